import { useEffect } from 'preact/hooks';
import { urlOf } from './api.ts';

/** Tells each event of a path while the page is visible. A hidden page holds no connection. */
export function useLive<T>(path: string | undefined, event: string, onEvent: (data: T) => void): void {
  useEffect(() => {
    if (path === undefined) return undefined;
    let source: EventSource | undefined;
    const follow = (): void => {
      source?.close();
      source = undefined;
      if (document.hidden) return;
      source = new EventSource(urlOf(path));
      source.addEventListener(event, (message: MessageEvent<string>) => onEvent(JSON.parse(message.data) as T));
    };
    follow();
    document.addEventListener('visibilitychange', follow);
    return () => {
      document.removeEventListener('visibilitychange', follow);
      source?.close();
    };
  }, [path]);
}
