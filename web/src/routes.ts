// Every page, one line each. All but the feed are loaded when they are opened.
import Feed from './pages/FeedPage.svelte';
import type { Page, Route } from './router.svelte';

const feed = () => ({ default: Feed as Page });

export const routes: Route[] = [
  { path: '/', page: feed, place: 'for-you', bare: true },
  { path: '/following', page: feed, place: 'following', bare: true },
  { path: '/newest', page: feed, place: 'newest', bare: true },
  { path: '/video/:id', page: feed, place: 'for-you', bare: true },
  { path: '/login', page: () => import('./pages/Login.svelte'), place: 'login' },
  { path: '/register', page: () => import('./pages/Login.svelte'), place: 'login' },
  { path: '/users/:id', page: () => import('./pages/Profile.svelte'), place: 'profile' },
  { path: '/upload', page: () => import('./pages/Upload.svelte'), place: 'upload' },
  { path: '/notifications', page: () => import('./pages/Notifications.svelte'), place: 'notifications' },
  { path: '/messages', page: () => import('./pages/Messages.svelte'), place: 'messages' },
  { path: '/messages/:id', page: () => import('./pages/Messages.svelte'), place: 'messages' },
  { path: '/settings', page: () => import('./pages/Settings.svelte'), place: 'settings' },
  { path: '/admin', page: () => import('./pages/Admin.svelte'), place: 'admin' },
  { path: '/admin/:part', page: () => import('./pages/Admin.svelte'), place: 'admin' },
  { path: '/search', page: () => import('./pages/Search.svelte'), place: 'search' },
  { path: '/tags/:name', page: () => import('./pages/Tag.svelte'), place: 'search' },
];
