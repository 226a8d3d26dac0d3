// Which page is open: the History API, and a list of routes.
import type { Component } from 'svelte';
import { match, type Params } from './match';
import { routes } from './routes';

export type Page = Component;
export interface Route {
  path: string;
  page: () => Promise<{ default: Page }> | { default: Page };
  /** Which entry of the navigation it belongs to. */
  place?: string;
  /** Whether it fills the screen, dark in every theme. */
  bare?: boolean;
}

/** The page that is open; `key` differs when the same route is opened anew. */
export const here = $state({
  path: location.pathname,
  key: 0,
  current: undefined as Route | undefined,
  params: {} as Params,
});

function open(): void {
  const found = match(location.pathname, routes);
  here.path = location.pathname;
  here.current = found?.route;
  here.params = found?.params ?? {};
  here.key += 1;
}

export function go(path: string, state: object = {}): void {
  history.pushState(state, '', path);
  open();
}

/** The address of what is seen now, where it changes without a new page. */
export function rename(path: string, state: object): void {
  if (path !== location.pathname) history.replaceState({ ...history.state, ...state }, '', path);
}

export function start(): void {
  addEventListener('popstate', open);
  document.addEventListener('click', (event) => {
    const link = (event.target as Element).closest?.('a[href]');
    if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute('download')) return;
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (link.origin !== location.origin || !match(link.pathname, routes)) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
  open();
}
