/**
 * Writes `<program>.mjs` for each program, and what they share, into a folder. Their child processes and data files stay
 * where the sources are, so the folder is good for this place of the sources only.
 */
export declare function bundle(root: string, folder: string): Promise<void>;
