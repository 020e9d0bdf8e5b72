// Small helpers to make elements. Texts become text nodes: nothing here reads markup.

let sprite = `${document.documentElement.dataset.icons}#`;

// Takes all symbols into the page, so that they are there when the server is not.
export async function keepSymbols() {
    const answer = await fetch(sprite).catch(() => null);
    if (!answer?.ok) return;
    const drawn = new DOMParser().parseFromString(await answer.text(), "image/svg+xml").documentElement;
    for (const symbol of drawn.querySelectorAll("symbol")) symbol.id = `symbol-${symbol.id}`;
    drawn.setAttribute("class", "visually-hidden");
    drawn.setAttribute("aria-hidden", "true");
    document.body.append(document.importNode(drawn, true));
    sprite = "#symbol-";
}

export function h(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) set(element, name, value);
    element.append(...children.flat(2).filter(isThere));
    return element;
}

function set(element, name, value) {
    if (!isThere(value)) return;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
}

function isThere(value) {
    return value !== null && value !== undefined && value !== false && value !== "";
}

export function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", sprite + name);
    svg.append(use);
    return svg;
}

// A button that shows an icon alone; its label is its name and its tip.
export function iconButton(name, label, onclick, more = {}) {
    return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...more }, icon(name));
}

export function button(label, onclick, more = {}, symbol = "") {
    return h("button", { type: "button", class: "button", onclick, ...more }, symbol && icon(symbol), label);
}

export function find(selector, within = document) {
    return within.querySelector(selector);
}

export async function copy(text, pressed) {
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        copyTheOldWay(text);
    }
    const use = find("use", pressed);
    const before = use?.getAttribute("href");
    if (!before || before.endsWith("check")) return;
    use.setAttribute("href", `${sprite}check`);
    setTimeout(() => use.setAttribute("href", before), 1500);
}

// Where there is no clipboard: pages without TLS, other than localhost.
function copyTheOldWay(text) {
    const area = h("textarea", { class: "visually-hidden" });
    area.value = text;
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    focused?.focus();
}
