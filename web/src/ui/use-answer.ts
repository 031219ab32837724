/** An answer of the server in a component: what there was stays until there is something newer. */

import { useEffect, useState } from 'preact/hooks';
import { faultOf, type Fault } from '../contract/fault';

/** An answer, or why there is none. */
export interface Answer<Value> {
  readonly value: Value | undefined;
  readonly fault: Fault | undefined;
  readonly isWaiting: boolean;
}

/** Asks whenever `key` changes; `ask` is undefined where there is nothing to ask for. */
export function useAnswer<Value>(key: string, ask: (() => Promise<Value>) | undefined): Answer<Value> {
  const [answer, setAnswer] = useState<Answer<Value>>({
    value: undefined,
    fault: undefined,
    isWaiting: false,
  });
  useEffect(() => {
    if (ask === undefined) {
      setAnswer({ value: undefined, fault: undefined, isWaiting: false });
      return;
    }
    let isWanted = true;
    setAnswer(({ value }) => ({ value, fault: undefined, isWaiting: true }));
    ask().then(
      (value) => {
        if (isWanted) setAnswer({ value, fault: undefined, isWaiting: false });
      },
      (error: unknown) => {
        if (isWanted) setAnswer({ value: undefined, fault: faultOf(error), isWaiting: false });
      },
    );
    return () => {
      isWanted = false;
    };
  }, [key]);
  return answer;
}
