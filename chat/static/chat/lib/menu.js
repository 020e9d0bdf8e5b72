// A menu of buttons beside the button that opened it. The browser closes it: Escape, or a click elsewhere.

import { h, icon } from "./dom.js";

/** @typedef {[symbol: string, label: string, act: () => void, tone?: string]} MenuEntry */

const GAP_PX = 4;
/** @type {HTMLElement | null} */
let opened = null;

/**
 * @param {HTMLElement} anchor
 * @param {(MenuEntry | false | "")[]} entries
 */
export function openMenu(anchor, entries) {
    opened?.remove();
    const items = entries.filter((entry) => entry !== false && entry !== "").map((entry) => menuItem(...entry));
    const menu = h("div", { class: "menu", popover: "auto", role: "menu", onkeydown: moveFocus }, items);
    opened = menu;
    document.body.append(menu);
    anchor.setAttribute("aria-expanded", "true");
    menu.addEventListener("toggle", (event) => {
        if (event.newState !== "closed") return;
        anchor.setAttribute("aria-expanded", "false");
        if (menu.contains(document.activeElement) || document.activeElement === document.body) anchor.focus();
        menu.remove();
    });
    menu.showPopover();
    moveBeside(menu, anchor);
    items[0].focus();
}

/**
 * @param {string} symbol
 * @param {string} label
 * @param {() => void} act
 * @param {string} [tone]
 */
function menuItem(symbol, label, act, tone) {
    const onclick = () => {
        opened?.hidePopover();
        act();
    };
    return h("button", { type: "button", role: "menuitem", "data-tone": tone, onclick }, icon(symbol), label);
}

/**
 * @param {HTMLElement} menu
 * @param {HTMLElement} anchor
 */
function moveBeside(menu, anchor) {
    const at = anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = menu;
    const fitsBelow = at.bottom + GAP_PX + height < innerHeight;
    menu.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
    menu.style.top = `${fitsBelow ? at.bottom + GAP_PX : Math.max(8, at.top - height - GAP_PX)}px`;
}

/** @param {KeyboardEvent & { currentTarget: HTMLElement }} event */
function moveFocus(event) {
    if (event.key === "Tab") return opened?.hidePopover(); // the focus goes on from the button
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    const items = /** @type {HTMLElement[]} */ ([...event.currentTarget.children]);
    const focused = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    items.at((focused + step) % items.length)?.focus();
}
