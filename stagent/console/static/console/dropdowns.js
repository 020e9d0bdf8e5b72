// The navigation, which is longer than many windows: the current entry stays in sight.

const nav = document.querySelector("#nav");

function showCurrent() {
    nav?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}

showCurrent();
nav?.addEventListener("toggle", showCurrent);

// Drop-downs made of <details class="filter">: one is open at a time; a click elsewhere or Escape closes it.

/** @returns {NodeListOf<HTMLDetailsElement>} */
function openDropdowns() {
    return document.querySelectorAll("details.filter[open]");
}

/** @param {Element | null} except */
function closeDropdowns(except) {
    for (const dropdown of openDropdowns()) if (dropdown !== except) dropdown.open = false;
}

document.addEventListener("click", ({ target }) => closeDropdowns(target instanceof Element ? target.closest("details.filter") : null));
document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const [dropdown] = openDropdowns();
    closeDropdowns(null);
    dropdown?.querySelector("summary")?.focus();
});
