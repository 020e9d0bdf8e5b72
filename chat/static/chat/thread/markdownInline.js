// Parses Markdown within a block: code, emphasis, links. Builds nodes; the text of a model is never read as markup.

const SAFE_PROTOCOLS = ["http:", "https:", "mailto:"];
const MAX_DEPTH = 8;
const MAX_CHARS = 20_000; // of one block; a longer one is shown as it is
const TOKEN = new RegExp(
    [
        /\\(?<escaped>[!-/:-@[-`{-~])/u,
        /(?<ticks>`+)(?<code>[^`]|[^`][\s\S]*?[^`])\k<ticks>(?!`)/u,
        /(?<image>!)?\[(?<label>(?:\\.|[^\]\\\n]|\n(?!\n)){0,1000})\]\(\s*<?(?<href>[^\s)<>(]*(?:\([^\s)]*\)[^\s)<>]*)?)>?(?:\s+["'(][^\n]*?["')])?\s*\)/u,
        /<(?<auto>(?:https?:\/\/|mailto:)[^\s<>]+)>/u,
        /(?<bare>https?:\/\/[^\s<>*`"'“”‘’«»]+[^\s<>*`"'“”‘’«».,;:!?)\]])/u,
        /(?<strong>\*\*|(?<![\p{L}\p{N}])__)(?=\S)(?<bold>[\s\S]*?\S)\k<strong>/u,
        /~~(?=\S)(?<struck>[\s\S]*?\S)~~/u,
        /\*(?![\s*])(?<star>(?:[^*\n]|\*\*|\n(?!\n))+?)(?<!\s)\*(?!\*)/u,
        /(?<![\p{L}\p{N}_])_(?![\s_])(?<line>[^_]+?)(?<!\s)_(?![\p{L}\p{N}_])/u,
        /(?<brk> {2,}\n|\\\n)/u,
    ].map((part) => part.source).join("|"),
    "gu",
);

/**
 * @param {string} text
 * @returns {DocumentFragment}
 */
export function parseInline(text, depth = 0) {
    const parts = document.createDocumentFragment();
    let end = 0;
    for (const match of depth < MAX_DEPTH && text.length < MAX_CHARS ? text.matchAll(TOKEN) : []) {
        if (match.index > end) parts.append(text.slice(end, match.index));
        parts.append(tokenNode(match.groups ?? {}, depth));
        end = match.index + match[0].length;
    }
    parts.append(text.slice(end));
    return parts;
}

/**
 * @param {Record<string, string>} token the named groups that matched
 * @param {number} depth
 */
function tokenNode(token, depth) {
    if (token.escaped) return token.escaped;
    if (token.ticks) return wrap("code", token.code.replaceAll("\n", " ").replace(/^ (.*) $/, "$1"));
    if (token.label !== undefined) return link(token.href, token.label || (token.image ? "image" : token.href), depth, Boolean(token.image));
    if (token.auto) return link(token.auto, token.auto, MAX_DEPTH);
    if (token.bare) return link(token.bare, token.bare, MAX_DEPTH);
    if (token.bold) return wrap("strong", parseInline(token.bold, depth + 1));
    if (token.struck) return wrap("s", parseInline(token.struck, depth + 1));
    if (token.star || token.line) return wrap("em", parseInline(token.star ?? token.line, depth + 1));
    return document.createElement("br");
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Node | string} content
 */
function wrap(tag, content) {
    const element = document.createElement(tag);
    element.append(content);
    return element;
}

/**
 * Pictures become links: loading one would tell its server what is read here.
 * @param {string} href
 * @param {string} label
 * @param {number} depth
 * @param {boolean} [isImage]
 */
function link(href, label, depth, isImage = false) {
    const text = isImage ? document.createTextNode(label || "image") : parseInline(label, depth + 1);
    if (!isSafe(href)) return text;
    const anchor = wrap("a", text);
    anchor.href = href;
    anchor.target = "_blank";
    anchor.rel = "noopener noreferrer";
    return anchor;
}

/** @param {string} href */
function isSafe(href) {
    return URL.canParse(href, location.href) && SAFE_PROTOCOLS.includes(new URL(href, location.href).protocol);
}
