export declare const pinned: Readonly<Record<string, string>>;
export declare function compareWithPinned(
  folder: string,
  pins?: Readonly<Record<string, string>>,
): { readonly wrong: readonly string[]; readonly unpinned: readonly string[] };
