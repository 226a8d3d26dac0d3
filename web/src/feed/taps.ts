// One tap, two taps, a long press: told apart.
interface Meant {
  single: () => void;
  double: (x: number, y: number) => void;
  long: () => void;
}

const DOUBLE_MS = 260;
const LONG_MS = 550;
const STRAY_PX = 12;

export function taps(meant: Meant) {
  return (element: HTMLElement) => {
    let single: ReturnType<typeof setTimeout> | undefined;
    let press: ReturnType<typeof setTimeout> | undefined;
    let from = { x: 0, y: 0 };
    let held = false;
    let many = 0;

    const end = () => clearTimeout(press);
    const down = (event: PointerEvent) => {
      if (event.button) return;
      held = false;
      from = { x: event.clientX, y: event.clientY };
      press = setTimeout(() => {
        held = true;
        meant.long();
      }, LONG_MS);
    };
    const move = (event: PointerEvent) => {
      if (Math.hypot(event.clientX - from.x, event.clientY - from.y) > STRAY_PX) end();
    };
    const click = (event: MouseEvent) => {
      end();
      if (held) return;
      // A keyboard's click is no tap: it need not wait for a second one.
      if (event.detail === 0) return meant.single();
      clearTimeout(single);
      many += 1;
      if (many > 1) {
        const box = element.getBoundingClientRect();
        meant.double(event.clientX - box.left, event.clientY - box.top);
      }
      single = setTimeout(() => {
        if (many === 1) meant.single();
        many = 0;
      }, DOUBLE_MS);
    };
    const menu = (event: Event) => {
      event.preventDefault();
      end();
      if (!held) meant.long();
      held = true;
    };
    const on = {
      pointerdown: down,
      pointermove: move,
      pointerup: end,
      pointercancel: end,
      click,
      contextmenu: menu,
    };
    for (const [name, act] of Object.entries(on)) element.addEventListener(name, act as EventListener);
    return () => {
      end();
      clearTimeout(single);
      for (const [name, act] of Object.entries(on)) element.removeEventListener(name, act as EventListener);
    };
  };
}
