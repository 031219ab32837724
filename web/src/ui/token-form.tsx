/** Asks for the token that the service wants. */

import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { setToken } from '../contract/client';
import { fault } from '../state/app-state';
import { refresh } from '../state/load';

/** The form; the token is kept in the page's memory alone. */
export function TokenForm(): VNode {
  const text = useSignal('');
  return (
    <form
      class="token"
      aria-label="Token"
      onSubmit={(event) => {
        event.preventDefault();
        setToken(text.value.trim());
        void refresh();
      }}
    >
      <p role="alert">
        The server does not accept this caller: {fault.value?.message ?? 'a token is missing'}. Enter the
        token that you were given; it is kept in this page alone.
      </p>
      <label>
        <span>Token</span>
        <input
          type="password"
          autoComplete="off"
          value={text.value}
          onInput={({ currentTarget }) => (text.value = currentTarget.value)}
        />
      </label>
      <button type="submit" class="main">
        Try again
      </button>
    </form>
  );
}
