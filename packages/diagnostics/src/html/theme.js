/** Light and dark: what the system says, until the reader chooses. */

const KEY = "skein-theme";

/** The stored choice; a page opened from a file may not be allowed to store anything. */
function readChoice() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** @param {string} theme */
function storeChoice(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Then the choice lasts as long as the page.
  }
}

/**
 * @param {() => void} changed called after the colours have changed
 * @returns {() => void} switches to the other one
 */
export function setUpTheme(changed) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const choice = readChoice();
  if (choice === "light" || choice === "dark") root.dataset.theme = choice;
  system.addEventListener("change", changed);
  return () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
    root.dataset.theme = dark ? "light" : "dark";
    storeChoice(root.dataset.theme);
    changed();
  };
}
