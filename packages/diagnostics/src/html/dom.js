/**
 * Makes an element. Text goes in as text nodes, never as markup: all of it comes from strangers.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} [className]
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  for (const child of children) {
    if (child !== null && child !== undefined) element.append(child);
  }
  return element;
}

/**
 * @param {string} className
 * @param {string} text
 * @param {string} title what the button does, for the tooltip and for readers
 * @param {() => void} act
 */
export function button(className, text, title, act) {
  const element = el("button", className, text);
  element.type = "button";
  element.title = title;
  element.setAttribute("aria-label", title);
  element.addEventListener("click", act);
  return element;
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * A bar of stages, as wide as its share of `whole`.
 * @param {readonly (readonly [string, number])[]} parts
 * @param {number} whole
 */
export function stageBar(parts, whole) {
  const bar = el("span", "stage-bar");
  bar.setAttribute("aria-hidden", "true");
  for (const [name, seconds] of parts) {
    if (seconds <= 0) continue;
    const part = el("span", `stage stage-${name.replace(/\W/g, "-")}`);
    part.style.width = `${(seconds / (whole || 1)) * 100}%`;
    bar.append(part);
  }
  return bar;
}
