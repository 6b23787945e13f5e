/** The client of every task that names none. Its data is open, unless a task says otherwise. */
export const caller = 'Acceptance';
export const callerDocument = `kind: client\nname: ${caller}\ndata_class: open`;
