import { useEffect } from 'preact/hooks';
import { ErrorBoundary, lazy, LocationProvider, Route, Router, useLocation } from 'preact-iso';
import { loadSession, session, signOut } from './session.ts';
import { Calls } from './views/calls.tsx';
import { Now } from './views/now.tsx';
import { SignIn } from './views/sign-in.tsx';

const Task = lazy(() => import('./views/task.tsx').then(({ Task: view }) => view));
const Why = lazy(() => import('./views/why.tsx').then(({ Why: view }) => view));
const Cost = lazy(() => import('./views/cost.tsx').then(({ Cost: view }) => view));
const Limits = lazy(() => import('./views/limits.tsx').then(({ Limits: view }) => view));
const Durable = lazy(() => import('./views/durable.tsx').then(({ Durable: view }) => view));
const Documents = lazy(() => import('./views/documents.tsx').then(({ Documents: view }) => view));
const Document = lazy(() => import('./views/document.tsx').then(({ Document: view }) => view));
const Data = lazy(() => import('./views/data.tsx').then(({ Data: view }) => view));
const WhatIf = lazy(() => import('./views/what-if.tsx').then(({ WhatIf: view }) => view));
const Audit = lazy(() => import('./views/audit.tsx').then(({ Audit: view }) => view));
const Playground = lazy(() => import('./views/playground.tsx').then(({ Playground: view }) => view));

/** Views by path, with the roles that a caller's key has no part in. */
const views = [
  { path: '/now', title: 'Now', isForCallers: false },
  { path: '/calls', title: 'Calls', isForCallers: true },
  { path: '/why', title: 'Why', isForCallers: true },
  { path: '/cost', title: 'Cost', isForCallers: true },
  { path: '/limits', title: 'Limits and cooldowns', isForCallers: true },
  { path: '/durable', title: 'Durable tasks', isForCallers: true },
  { path: '/documents', title: 'Documents', isForCallers: false },
  { path: '/data', title: 'Data', isForCallers: false },
  { path: '/what-if', title: 'What if', isForCallers: false },
  { path: '/audit', title: 'Audit and keys', isForCallers: false },
  { path: '/playground', title: 'Playground', isForCallers: true },
] as const;

export function App() {
  useEffect(() => void loadSession(), []);
  if (session.value === undefined) return <p class="quiet">Loading…</p>;
  if (session.value === null) return <SignIn />;
  return (
    <LocationProvider>
      <Top />
      <main id="main">
        <ErrorBoundary>
          <Router onRouteChange={toTheTop}>
            <Route path="/" component={session.value.role === 'caller' ? Calls : Now} />
            <Route path="/now" component={Now} />
            <Route path="/calls" component={Calls} />
            <Route path="/tasks/:id" component={Task} />
            <Route path="/why" component={Why} />
            <Route path="/why/:id" component={Why} />
            <Route path="/cost" component={Cost} />
            <Route path="/limits" component={Limits} />
            <Route path="/durable" component={Durable} />
            <Route path="/documents" component={Documents} />
            <Route path="/documents/:kind/:slug" component={Document} />
            <Route path="/data" component={Data} />
            <Route path="/what-if" component={WhatIf} />
            <Route path="/audit" component={Audit} />
            <Route path="/playground" component={Playground} />
            <Route default component={NotFound} />
          </Router>
        </ErrorBoundary>
      </main>
    </LocationProvider>
  );
}

/** A new view begins at its top, also for who hears it. */
function toTheTop(): void {
  scrollTo(0, 0);
  document.getElementById('main')?.querySelector('h1')?.focus();
}

function Top() {
  const { path } = useLocation();
  const who = session.value;
  const isCaller = who?.role === 'caller';
  return (
    <header class="top">
      <a class="skip" href="#main">
        To the view
      </a>
      <strong>Will</strong>
      <nav aria-label="Views">
        {views
          .filter(({ isForCallers }) => isForCallers || !isCaller)
          .map((view) => (
            <a key={view.path} href={view.path} aria-current={path.startsWith(view.path) ? 'page' : undefined}>
              {view.title}
            </a>
          ))}
      </nav>
      <span class="quiet">times in {Intl.DateTimeFormat().resolvedOptions().timeZone}</span>
      <span class="quiet">{who?.are_keys_required ? `${who.role} of ${who.client}` : 'owner, without keys'}</span>
      {who?.are_keys_required && (
        <button type="button" onClick={() => void signOut()}>
          Sign out
        </button>
      )}
    </header>
  );
}

const NotFound = () => <h1 tabIndex={-1}>There is no such view</h1>;
