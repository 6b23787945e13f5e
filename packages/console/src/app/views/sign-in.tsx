import { useState } from 'preact/hooks';
import { post } from '../api.ts';
import { hasOidc, type Session, session, sessionError } from '../session.ts';

export function SignIn() {
  const [key, setKey] = useState('');
  const [error, setError] = useState(sessionError.value);
  const submit = (event: Event): void => {
    event.preventDefault();
    post<Session>('/session', { key }).then(
      (who) => {
        session.value = who;
      },
      (failure: Error) => setError(failure.message),
    );
  };
  return (
    <main>
      <h1>Sign in to Will</h1>
      <form class="fields" onSubmit={submit}>
        <label>
          Key
          <input
            type="password"
            name="key"
            autocomplete="current-password"
            size={50}
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
            required
          />
        </label>
        <button class="main" type="submit">
          Sign in
        </button>
      </form>
      {hasOidc.value && (
        <p>
          <a class="button" href="/oidc/begin">
            Sign in with your organisation
          </a>
        </p>
      )}
      <p role="alert" class="bad">
        {error}
      </p>
      <p class="quiet">
        An owner's key is made by <code>willm keys create --client ops --role owner</code>.
      </p>
    </main>
  );
}
