/** Services, and `willm`. */
export declare const programsIn: (root: string) => readonly string[];
/** The file of a program's source. */
export declare const sourceOf: (root: string, name: string) => string;
