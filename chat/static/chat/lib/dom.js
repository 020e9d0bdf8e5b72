// Helpers that make and find elements. Texts become text nodes: nothing here reads markup.

/** @typedef {Node | string | null | undefined | false | 0} Child `null`, `false`, `0` and "" are left out. */
/** @typedef {Record<string, any>} Properties Attributes; those that begin with "on" are listeners. */

let sprite = `${document.documentElement.dataset.icons}#`;

/** Copies all symbols into the page, so that they are there when the server is not. */
export async function inlineIcons() {
    const response = await fetch(sprite).catch(() => null);
    if (!response?.ok) return;
    const svg = new DOMParser().parseFromString(await response.text(), "image/svg+xml").documentElement;
    for (const symbol of svg.querySelectorAll("symbol")) symbol.id = `symbol-${symbol.id}`;
    svg.setAttribute("class", "visually-hidden");
    svg.setAttribute("aria-hidden", "true");
    document.body.append(document.importNode(svg, true));
    sprite = "#symbol-";
}

/**
 * Makes an element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties} [properties]
 * @param {...(Child | Child[] | Child[][] | (Child | Child[])[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) setProperty(element, name, value);
    element.append(.../** @type {(Node | string)[]} */ (children.flat(2).filter(isPresent)));
    return element;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {any} value
 */
function setProperty(element, name, value) {
    if (!isPresent(value) && value !== 0) return;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
}

/** @param {unknown} value */
function isPresent(value) {
    return value !== null && value !== undefined && value !== false && value !== "" && value !== 0;
}

/**
 * Draws a symbol of icons.svg.
 * @param {string} name
 */
export function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", sprite + name);
    svg.append(use);
    return svg;
}

/**
 * Makes a button that shows only an icon; the label is its accessible name and its tooltip.
 * @param {string} name
 * @param {string} label
 * @param {(event: MouseEvent & { currentTarget: HTMLElement }) => void} onclick
 * @param {Properties} [more]
 */
export function iconButton(name, label, onclick, more = {}) {
    return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...more }, icon(name));
}

/**
 * @param {string} label
 * @param {(event: MouseEvent) => void} onclick
 * @param {Properties} [more]
 * @param {string} [symbol]
 */
export function button(label, onclick, more = {}, symbol = "") {
    return h("button", { type: "button", class: "button", onclick, ...more }, symbol && icon(symbol), label);
}

/**
 * @param {string} label
 * @param {(event: MouseEvent) => void} onclick
 * @param {Properties} [more]
 */
export function smallButton(label, onclick, more = {}) {
    return button(label, onclick, { class: "button small", ...more });
}

/**
 * Finds an element that the template promises. Throws where it is missing.
 * @param {string} selector
 * @param {ParentNode} [within]
 */
export function find(selector, within = document) {
    return findAs(HTMLElement, selector, within);
}

/**
 * The same for one kind of element, such as an HTMLDialogElement.
 * @template {Element} Type
 * @param {new () => Type} type
 * @param {string} selector
 * @param {ParentNode} [within]
 */
export function findAs(type, selector, within = document) {
    const element = within.querySelector(selector);
    if (!(element instanceof type)) throw new Error(`There is no ${type.name} ${selector} on this page.`);
    return element;
}

/**
 * Puts elements into a list in this order. What is in its place already is not touched, so that focus and selection stay.
 * @param {HTMLElement} list
 * @param {HTMLElement[]} elements
 */
export function arrange(list, elements) {
    const wanted = new Set(elements);
    for (const child of /** @type {HTMLElement[]} */ ([...list.children])) if (!wanted.has(child)) child.remove();
    elements.forEach((element, at) => list.children[at] === element || list.insertBefore(element, list.children[at] ?? null));
}

/** Tells whether a key event belongs to an input method that is composing a character. @param {KeyboardEvent} event */
export function isComposing(event) {
    return event.isComposing || event.keyCode === 229;
}

/** Tells whether a click is to open another tab or window. @param {MouseEvent} event */
export function opensElsewhere(event) {
    return event.ctrlKey || event.metaKey || event.shiftKey || event.button > 0;
}

/**
 * Copies a text to the clipboard; the icon of the pressed button confirms it for a moment.
 * @param {string} text
 * @param {HTMLElement} pressed
 */
export async function copy(text, pressed) {
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        copyBySelection(text);
    }
    const use = pressed.querySelector("use");
    const before = use?.getAttribute("href");
    if (!use || !before || before.endsWith("check")) return;
    use.setAttribute("href", `${sprite}check`);
    setTimeout(() => use.setAttribute("href", before), 1500);
}

/** Pages without TLS, other than localhost, have no clipboard API. @param {string} text */
function copyBySelection(text) {
    const area = h("textarea", { class: "visually-hidden" });
    area.value = text;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    focused?.focus();
}
