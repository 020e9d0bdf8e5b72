// Letters within a block: code, emphasis, links. Builds nodes; the text of a model is never read as markup.

const SAFE = ["http:", "https:", "mailto:"];
const DEEPEST = 8;
const LONGEST = 20_000; // of one block; longer ones are shown as they are
const TOKEN = new RegExp(
    [
        /\\(?<escaped>[!-/:-@[-`{-~])/,
        /(?<ticks>`+)(?<code>[^`]|[^`][\s\S]*?[^`])\k<ticks>(?!`)/,
        /(?<image>!)?\[(?<label>(?:\\.|[^\]\\\n]|\n(?!\n)){0,1000})\]\(\s*<?(?<href>[^\s)<>(]*(?:\([^\s)]*\)[^\s)<>]*)?)>?(?:\s+["'(][^\n]*?["')])?\s*\)/,
        /<(?<auto>(?:https?:\/\/|mailto:)[^\s<>]+)>/,
        /(?<bare>https?:\/\/[^\s<>*`"'“”‘’«»]+[^\s<>*`"'“”‘’«».,;:!?)\]])/,
        /(?<strong>\*\*|(?<![\p{L}\p{N}])__)(?=\S)(?<bold>[\s\S]*?\S)\k<strong>/,
        /~~(?=\S)(?<struck>[\s\S]*?\S)~~/,
        /\*(?![\s*])(?<star>(?:[^*\n]|\*\*|\n(?!\n))+?)(?<!\s)\*(?!\*)/,
        /(?<![\p{L}\p{N}_])_(?![\s_])(?<line>[^_]+?)(?<!\s)_(?![\p{L}\p{N}_])/,
        /(?<brk> {2,}\n|\\\n)/,
    ].map((part) => part.source).join("|"),
    "gu",
);

export function inline(text, depth = 0) {
    const parts = document.createDocumentFragment();
    let seen = 0;
    for (const match of depth < DEEPEST && text.length < LONGEST ? text.matchAll(TOKEN) : []) {
        if (match.index > seen) parts.append(text.slice(seen, match.index));
        parts.append(node(match, depth));
        seen = match.index + match[0].length;
    }
    parts.append(text.slice(seen));
    return parts;
}

function node(match, depth) {
    const found = match.groups;
    if (found.escaped) return found.escaped;
    if (found.ticks) return wrap("code", found.code.replaceAll("\n", " ").replace(/^ (.*) $/, "$1"));
    if (found.label !== undefined) return link(found.href, found.label || (found.image ? "image" : found.href), depth, found.image);
    if (found.auto) return link(found.auto, found.auto, DEEPEST);
    if (found.bare) return link(found.bare, found.bare, DEEPEST);
    if (found.bold) return wrap("strong", inline(found.bold, depth + 1));
    if (found.struck) return wrap("s", inline(found.struck, depth + 1));
    if (found.star || found.line) return wrap("em", inline(found.star ?? found.line, depth + 1));
    return document.createElement("br");
}

function wrap(tag, content) {
    const element = document.createElement(tag);
    element.append(content);
    return element;
}

// Pictures become links: loading one would tell a stranger what is read here.
function link(href, label, depth, image) {
    const text = image ? document.createTextNode(label || "image") : inline(label, depth + 1);
    if (!isSafe(href)) return text;
    const anchor = wrap("a", text);
    anchor.href = href;
    anchor.target = "_blank";
    anchor.rel = "noopener noreferrer";
    return anchor;
}

function isSafe(href) {
    try {
        return SAFE.includes(new URL(href, location.href).protocol);
    } catch {
        return false;
    }
}
