/**
 * Addresses of cloud providers for a record that states no address of its own. That such a record leads into the cloud
 * is known here, so that no provider has to remember it: whatever else it says, it is not private.
 */
export const cloudEndpoints: Readonly<Record<string, string>> = {
  anthropic: 'https://api.anthropic.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
  openai: 'https://api.openai.com/v1',
};

/** The provider's own address in the cloud; undefined: it has none, and is where the record says. */
export const cloudEndpointOf = (provider: string): string | undefined =>
  Object.hasOwn(cloudEndpoints, provider) ? cloudEndpoints[provider] : undefined;
