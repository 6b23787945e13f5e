/** Ways to write a name otherwise. What of them is still the same name, the product decides: never another one. */
const changes: readonly (readonly [what: string, change: (name: string) => string])[] = [
  ['as it is', (name) => name],
  ['upper case', (name) => name.toUpperCase()],
  ['lower case', (name) => name.toLowerCase()],
  ['swapped case', (name) => [...name].map((c, at) => (at % 2 ? c.toUpperCase() : c.toLowerCase())).join('')],
  ['NFD', (name) => name.normalize('NFD')],
  ['NFKD', (name) => name.normalize('NFKD')],
  ['full width', (name) => name.replace(/[a-z]/gi, (c) => String.fromCodePoint((c.codePointAt(0) ?? 0) + 0xfee0))],
  [
    'mathematical letters',
    (name) => name.replace(/[a-z]/g, (c) => String.fromCodePoint(0x1d41a + c.charCodeAt(0) - 97)),
  ],
  ['zero-width space', (name) => `${name.slice(0, 2)}\u200b${name.slice(2)}`],
  ['zero-width joiners', (name) => [...name].join('\u200d')],
  ['soft hyphen', (name) => `${name.slice(0, 3)}\u00ad${name.slice(3)}`],
  ['byte order mark', (name) => `\ufeff${name}`],
  ['right-to-left override', (name) => `\u202e${name}`],
  ['variation selector', (name) => `${name}\ufe0f`],
  ['blanks around', (name) => `  ${name} `],
  ['blanks doubled', (name) => name.replaceAll(' ', '   ')],
  ['no blanks', (name) => name.replaceAll(' ', '')],
  ['no-break space', (name) => name.replaceAll(' ', '\u00a0')],
  ['ideographic space', (name) => name.replaceAll(' ', '\u3000')],
  ['a tab', (name) => name.replaceAll(' ', '\t')],
  ['hyphens', (name) => name.replaceAll(' ', '-')],
  ['underscores', (name) => name.replaceAll(' ', '_')],
  ['Cyrillic homoglyphs', (name) => name.replaceAll('e', 'е').replaceAll('c', 'с')],
  ['Greek homoglyphs', (name) => name.replaceAll('M', 'Μ').replaceAll('R', 'Ρ')],
  ['another letter', (name) => name.replaceAll('ü', 'u')],
  ['a stroke', (name) => name.replaceAll('ü', 'ø')],
  ['dotless', (name) => name.replaceAll('i', 'ı')],
  ['ligature', (name) => name.replaceAll('ll', '\u{1d6a}')],
  ['doubled', (name) => name + name],
  ['listed twice', (name) => `${name},${name}`],
  ['with another', (name) => `${name}, Other`],
  ['a letter less', (name) => name.slice(0, -1)],
  ['a letter more', (name) => `${name}l`],
  ['quoted', (name) => `"${name}"`],
  ['URL-encoded', (name) => encodeURIComponent(name)],
  ['URL-encoded twice', (name) => encodeURIComponent(encodeURIComponent(name))],
  ['plus for blank', (name) => encodeURIComponent(name).replaceAll('%20', '+')],
  ['HTML entity', (name) => name.replaceAll('ü', '&uuml;')],
  ['escaped', (name) => JSON.stringify(name).slice(1, -1).replaceAll('ü', '\\u00fc')],
  ['UTF-8 read as Latin-1', (name) => Buffer.from(name).toString('latin1')],
  ['base64', (name) => Buffer.from(name).toString('base64')],
  ['a path', (name) => `../${name}`],
  ['a wildcard', (name) => `${name.slice(0, 2)}*`],
  ['a token of a subject', (name) => `${name}.x`],
  ['a null at its end', (name) => `${name}\u0000`],
];

/** Every name changed by every pair of ways, each once. */
export function spellingsOf(names: readonly string[], most: number): readonly string[] {
  const all = new Set<string>();
  for (const [, first] of changes)
    for (const [, second] of changes) for (const name of names) all.add(second(first(name)));
  const list = [...all];
  // Spread over all of them, so that a few are of every kind.
  const spread = list.filter(
    (_, at) => Math.floor((at * most) / list.length) !== Math.floor(((at - 1) * most) / list.length),
  );
  return [...new Set([...names, ...spread])];
}
