// A menu of buttons beside the button that opened it. The browser closes it: Escape, or a click elsewhere.

import { h, icon } from "./dom.js";

const GAP_PX = 4;
let opened = null;

export function openMenu(anchor, entries) {
    opened?.remove();
    const items = entries.filter(Boolean).map(([symbol, label, act, tone]) => item(symbol, label, act, tone));
    const menu = h("div", { class: "menu", popover: "auto", role: "menu", onkeydown: move }, items);
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
    beside(menu, anchor);
    items[0].focus();
}

function item(symbol, label, act, tone) {
    const pressed = () => {
        opened.hidePopover();
        act();
    };
    return h("button", { type: "button", role: "menuitem", "data-tone": tone, onclick: pressed }, icon(symbol), label);
}

function beside(menu, anchor) {
    const at = anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = menu;
    const below = at.bottom + GAP_PX + height < innerHeight;
    menu.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
    menu.style.top = `${below ? at.bottom + GAP_PX : Math.max(8, at.top - height - GAP_PX)}px`;
}

function move(event) {
    if (event.key === "Tab") return opened.hidePopover(); // the keyboard goes on from the button
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const items = [...event.currentTarget.children];
    items.at((items.indexOf(document.activeElement) + step) % items.length).focus();
}
