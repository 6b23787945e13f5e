/** The author of a change; a key leads to its client and role. */
export const Author = ({ author }: { readonly author: string }) =>
  author.startsWith('key ') ? (
    <a href={`/audit?key=${encodeURIComponent(author.slice(4))}`}>{author}</a>
  ) : (
    <>{author}</>
  );
