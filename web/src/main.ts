import { mount } from 'svelte';
import App from './App.svelte';
import './app.css';
import { apply } from './lib/prefs.svelte';
import { start } from './router.svelte';

apply();
start();
const target = document.getElementById('app');
if (target) mount(App, { target });
