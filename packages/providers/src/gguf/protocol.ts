/** Options that the process that computes is started with. */
export interface LoadOptions {
  readonly path: string;
  readonly threads: number;
  /** Chats at once; 0: none. */
  readonly sequences: number;
  /** It makes vectors. */
  readonly isForVectors: boolean;
  /** Of each sequence. */
  readonly contextTokens: number;
  /** 'auto': one whose build is installed, where there is one. 'required': no other way. */
  readonly gpu: 'auto' | 'required' | false;
}

/** A request to the process of a gguf model. */
export type GgufRequest = GgufChatRequest | VectorsRequest;

/** A chat as the process computes it: read and checked on the other side. */
export interface GgufChatRequest {
  readonly kind: 'chat';
  readonly messages: readonly { readonly role: 'system' | 'user' | 'assistant'; readonly text: string }[];
  readonly maxTokens: number | undefined;
  readonly temperature: number | undefined;
  readonly topP: number | undefined;
  readonly seed: number | undefined;
  readonly stop: readonly string[];
  /** A schema the answer must follow, `true` for any JSON. */
  readonly json: object | true | undefined;
}

/** A request for embeddings or scores. */
export interface VectorsRequest {
  readonly kind: 'vectors';
  readonly texts: readonly string[];
  /** How long the caller wants each; undefined: as the model makes them. */
  readonly dimensions: number | undefined;
}
