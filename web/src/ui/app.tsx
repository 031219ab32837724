/** The page. */

import type { VNode } from 'preact';
import { CompareView } from '../compare/compare-view';
import { DownloadView } from '../download/download-view';
import { GraphView } from '../graph/graph-view';
import { DropTarget } from '../input/drop-target';
import { Welcome } from '../input/welcome';
import { LiveView } from '../live/live-view';
import { show } from '../input/open-file';
import { PlanView } from '../plan/plan-view';
import { SizeView } from '../size/size-view';
import { fault, isLoading, needsToken, network, source, view, VIEWS, type View } from '../state/app-state';
import { WeightsView } from '../weights/weights-view';
import { FaultNote } from './fault-note';
import { SelectionPanel } from './selection-panel';
import { SettingsBar } from './settings-bar';
import { TokenForm } from './token-form';

const TITLES: Readonly<Record<View, string>> = {
  graph: 'Graph',
  plan: 'Plan',
  weights: 'Weights',
  compare: 'Compare',
  size: 'Size',
  download: 'Download',
  live: 'Live',
};

/** All of it. */
export function App(): VNode {
  return (
    <DropTarget>
      <header class="top">
        <a
          class="skip"
          href="#content"
          onClick={(event) => {
            event.preventDefault();
            document.getElementById('content')?.focus();
          }}
        >
          To the content
        </a>
        <h1>
          <img src="/icon.svg" alt="" width="26" height="26" />
          LoGAH explorer
        </h1>
        {source.value && (
          <p class="source">
            <span title={source.value.name}>{source.value.name}</span>
            <button
              type="button"
              onClick={() => {
                source.value = undefined;
                network.value = undefined;
                fault.value = undefined;
              }}
            >
              Open another
            </button>
          </p>
        )}
        {source.value && <SettingsBar />}
      </header>
      {source.value && <Tabs />}
      <main id="content" tabIndex={-1} aria-busy={isLoading.value}>
        <Content />
      </main>
    </DropTarget>
  );
}

function Tabs(): VNode {
  return (
    <nav class="tabs" aria-label="Views">
      {VIEWS.map((name) => (
        <button
          key={name}
          type="button"
          aria-current={view.value === name ? 'page' : undefined}
          onClick={() => (view.value = name)}
        >
          {TITLES[name]}
        </button>
      ))}
    </nav>
  );
}

function Content(): VNode {
  if (needsToken.value) return <TokenForm />;
  const problem = fault.value;
  if (source.value === undefined) {
    return (
      <>
        {problem && <FaultNote fault={problem} />}
        <Welcome />
      </>
    );
  }
  return (
    <>
      {problem?.kind === 'unavailable' && (
        <p class="away" role="alert">
          {problem.message} The page asks again until it is back.
        </p>
      )}
      {problem && problem.kind !== 'unavailable' && <FaultNote fault={problem} />}
      {isLoading.value && network.value === undefined && <p class="empty">Planning …</p>}
      <Views />
    </>
  );
}

function Views(): VNode {
  const now = view.value;
  const hasPanel = now === 'graph' || now === 'plan';
  return (
    <div class={`view ${hasPanel ? 'has-panel' : ''}`}>
      {now === 'graph' && <GraphView />}
      {now === 'plan' && <PlanView />}
      {now === 'weights' && <WeightsView />}
      {now === 'compare' && <CompareView />}
      {now === 'size' && <SizeView show={show} />}
      {now === 'download' && <DownloadView />}
      {now === 'live' && <LiveView />}
      {hasPanel && <SelectionPanel />}
    </div>
  );
}
