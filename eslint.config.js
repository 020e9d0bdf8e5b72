// What eslint checks of the browser modules; `tsc` checks types, unknown names included.

import { createRequire } from "node:module";

// bin/front-end keeps the tools outside of the tree; a plain `npm install` here works as well.
const require = createRequire(`${process.env.STAGENT_FRONT_END_TOOLS ?? import.meta.dirname}/package.json`);
const js = require("@eslint/js");

/** The names that the browser gives to a module, as far as these modules use them. */
const BROWSER = [
    "AbortController", "AbortSignal", "Blob", "CSS", "CustomEvent", "DOMException", "DOMParser", "Element", "Event", "EventTarget", "File",
    "FileReader", "FormData", "HTMLButtonElement", "HTMLDialogElement", "HTMLElement", "HTMLFormElement", "HTMLInputElement",
    "HTMLSelectElement", "HTMLTextAreaElement", "Intl", "Node", "OffscreenCanvas", "Option", "ResizeObserver", "TextEncoder", "URL",
    "URLSearchParams", "WebSocket", "XMLHttpRequest", "addEventListener", "clearInterval", "clearTimeout", "createImageBitmap", "crypto",
    "document", "fetch", "getSelection", "history", "innerHeight", "innerWidth", "localStorage", "location", "matchMedia", "navigator",
    "performance", "requestAnimationFrame", "scrollTo", "scrollY", "setInterval", "setTimeout",
];
/** Each folder of the chat imports from itself and from those before it; types may come from anywhere. */
const LAYERS = ["lib", "compose", "thread", "page"];

const layers = LAYERS.map((layer, at) => ({
    files: [`chat/static/chat/${layer}/*.js`],
    rules: {
        "no-restricted-imports": ["error", { patterns: LAYERS.slice(at + 1).map((above) => ({ group: [`../${above}/*`], message: `${layer} may not import from ${above}.` })) }],
    },
}));

export default [
    js.configs.recommended,
    {
        languageOptions: { globals: Object.fromEntries(BROWSER.map((name) => [name, "readonly"])) },
        linterOptions: { reportUnusedDisableDirectives: "error" },
        rules: {
            eqeqeq: "error",
            "no-unused-private-class-members": "off", // takes `this.#timer ||= …` for no use; tsc finds the unused ones
            "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
            "no-var": "error",
            "object-shorthand": "error",
            "prefer-const": "error",
        },
    },
    ...layers.filter(({ rules }) => rules["no-restricted-imports"][1].patterns.length),
];
