import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { ApiError } from '../api.ts';

/** A view: its title, what went wrong, and what it shows. */
export function View({
  title,
  error,
  isLoading = false,
  children,
}: {
  readonly title: string;
  readonly error?: ApiError | Error | undefined;
  readonly isLoading?: boolean;
  readonly children?: ComponentChildren;
}) {
  useEffect(() => {
    document.title = `${title} · Will`;
  }, [title]);
  return (
    <>
      <h1 tabIndex={-1}>{title}</h1>
      {error && (
        <p class="error-box" role="alert">
          {error.message}
        </p>
      )}
      {isLoading && !error && <p class="quiet">Loading…</p>}
      {children}
    </>
  );
}
