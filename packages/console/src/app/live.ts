import { useEffect } from 'preact/hooks';
import { urlOf } from './api.ts';

/** Events that come within this are told together, so that a busy stream does not draw the page for each of them. */
const gatherMs = 200;

/** Tells the events of a path, oldest first, while the page is visible. A hidden page holds no connection. */
export function useLive<T>(path: string | undefined, event: string, onEvents: (data: readonly T[]) => void): void {
  useEffect(() => {
    if (path === undefined) return undefined;
    let source: EventSource | undefined;
    let gathered: T[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = (): void => {
      timer = undefined;
      onEvents(gathered);
      gathered = [];
    };
    const follow = (): void => {
      source?.close();
      source = undefined;
      if (document.hidden) return;
      source = new EventSource(urlOf(path));
      source.addEventListener(event, (message: MessageEvent<string>) => {
        gathered.push(JSON.parse(message.data) as T);
        timer ??= setTimeout(tell, gatherMs);
      });
    };
    follow();
    document.addEventListener('visibilitychange', follow);
    return () => {
      document.removeEventListener('visibilitychange', follow);
      clearTimeout(timer);
      source?.close();
    };
  }, [path]);
}
