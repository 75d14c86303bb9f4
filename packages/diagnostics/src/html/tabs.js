import { button, el } from "./dom.js";

/**
 * Views of which one is shown. Each is made when it is first looked at.
 * @param {readonly (readonly [name: string, create: () => HTMLElement])[]} kinds
 */
export function createTabs(kinds) {
  const views = kinds.map(([name, create]) => {
    return { name, create, frame: el("div", "view"), made: false };
  });
  const bar = el("nav", "tabs");
  bar.setAttribute("role", "tablist");
  const buttons = views.map(({ name, frame }, index) => {
    const tab = button("tab", name, `${name} (${index + 1})`, () => show(name));
    tab.setAttribute("role", "tab");
    frame.setAttribute("role", "tabpanel");
    frame.setAttribute("aria-label", name);
    bar.append(tab);
    return tab;
  });
  /** @param {string} chosen */
  function show(chosen) {
    for (const [index, view] of views.entries()) {
      const shown = view.name === chosen;
      if (shown && !view.made) view.frame.append(view.create());
      view.made ||= shown;
      view.frame.hidden = !shown;
      buttons[index]?.setAttribute("aria-selected", String(shown));
    }
  }
  /** @param {number} index */
  function showNth(index) {
    const view = views[index];
    if (view) show(view.name);
  }
  showNth(0);
  return { bar, views: views.map(({ frame }) => frame), show, showNth };
}
