// Parses Markdown into blocks: plain objects, without the DOM.

/**
 * @typedef {{ type: "paragraph", text: string }
 *     | { type: "heading", level: number, text: string }
 *     | { type: "rule" }
 *     | { type: "quote", blocks: Block[] }
 *     | { type: "code", language: string, text: string }
 *     | { type: "list", isOrdered: boolean, start: number, items: Block[][], isLoose: boolean }
 *     | { type: "table", head: string[], align: string[], rows: string[][] }} Block
 */
/**
 * @template {Block["type"]} Type
 * @typedef {Extract<Block, { type: Type }>} BlockOf
 */
/** @typedef {[block: Block, next: number]} Parsed a block, and the line after it */

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:\s+(.*?))?\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(\s+|$)/;
const DIVIDER = /^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const MAX_DEPTH = 12;

/**
 * @param {string[]} lines
 * @returns {{ block: Block, line: number }[]} each with the line that it begins at
 */
export function parseBlocks(lines, depth = 0) {
    const blocks = [];
    let at = 0;
    while (at < lines.length) {
        if (!lines[at].trim()) {
            at += 1;
            continue;
        }
        const [block, next] = parseBlock(lines, at, depth);
        blocks.push({ block, line: at });
        at = next;
    }
    return blocks;
}

/**
 * @param {string[]} lines
 * @param {number} depth
 */
function innerBlocks(lines, depth) {
    return parseBlocks(lines, depth + 1).map(({ block }) => block);
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @param {number} depth
 * @returns {Parsed}
 */
function parseBlock(lines, at, depth) {
    const line = lines[at];
    if (FENCE.test(line)) return parseFence(lines, at);
    if (HEADING.test(line)) return parseHeading(line, at);
    if (RULE.test(line)) return [{ type: "rule" }, at + 1];
    if (depth < MAX_DEPTH && QUOTE.test(line)) return parseQuote(lines, at, depth);
    if (depth < MAX_DEPTH && ITEM.test(line)) return parseList(lines, at, depth);
    if (isTable(lines, at)) return parseTable(lines, at);
    if (/^ {4}/.test(line)) return parseIndented(lines, at);
    return parseParagraph(lines, at);
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @returns {Parsed}
 */
function parseFence(lines, at) {
    const [, mark, info] = groupsOf(lines[at], FENCE);
    const indent = indentOf(lines[at]);
    const closing = new RegExp(`^ {0,3}${mark[0] === "`" ? "`" : "~"}{${mark.length},}\\s*$`);
    const body = [];
    let next = at + 1;
    while (next < lines.length && !closing.test(lines[next])) body.push(dedent(lines[next++], indent));
    return [{ type: "code", language: info.trim().split(/\s+/)[0], text: body.join("\n") }, next + 1];
}

/**
 * @param {string} line
 * @param {number} at
 * @returns {Parsed}
 */
function parseHeading(line, at) {
    const [, marks, text] = groupsOf(line, HEADING);
    return [{ type: "heading", level: marks.length, text: text ?? "" }, at + 1];
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @param {number} depth
 * @returns {Parsed}
 */
function parseQuote(lines, at, depth) {
    const body = [];
    let next = at;
    while (next < lines.length && (QUOTE.test(lines[next]) || isLazy(lines, next))) body.push(lines[next++].replace(QUOTE, ""));
    return [{ type: "quote", blocks: innerBlocks(body, depth) }, next];
}

/**
 * @param {string[]} lines
 * @param {number} at
 */
function isLazy(lines, at) {
    return lines[at].trim() && QUOTE.test(lines[at - 1] ?? "") && !beginsBlock(lines, at);
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @param {number} depth
 * @returns {Parsed}
 */
function parseList(lines, at, depth) {
    const [, , mark] = groupsOf(lines[at], ITEM);
    const isOrdered = /\d/.test(mark);
    const items = [];
    let next = at;
    let isLoose = false;
    while (next < lines.length && isItemOf(lines[next], isOrdered, mark)) {
        const item = parseItem(lines, next, depth);
        items.push(item.blocks);
        const blanks = countBlanks(lines, item.next);
        const goesOn = item.next + blanks < lines.length && isItemOf(lines[item.next + blanks], isOrdered, mark);
        isLoose ||= item.isLoose || (goesOn && blanks > 0);
        next = goesOn ? item.next + blanks : item.next;
    }
    return [{ type: "list", isOrdered, start: isOrdered ? parseInt(mark, 10) : 1, items, isLoose }, next];
}

/**
 * @param {string} line
 * @param {boolean} isOrdered
 * @param {string} mark
 */
function isItemOf(line, isOrdered, mark) {
    const found = line.match(ITEM);
    if (!found || RULE.test(line)) return false;
    return isOrdered ? /\d/.test(found[2]) && found[2].at(-1) === mark.at(-1) : found[2] === mark;
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @param {number} depth
 */
function parseItem(lines, at, depth) {
    const [whole, indent, mark, gap] = groupsOf(lines[at], ITEM);
    const width = gap.length > 4 || !gap ? indent.length + mark.length + 1 : whole.length;
    const body = [lines[at].slice(whole.length)];
    let next = at + 1;
    let isLoose = false;
    while (next < lines.length) {
        const blanks = countBlanks(lines, next);
        const line = lines[next + blanks];
        if (line === undefined) break;
        const inside = indentOf(line) >= Math.min(width, indent.length + 2);
        if (!inside && (blanks || beginsBlock(lines, next) || ITEM.test(line))) break;
        isLoose ||= blanks > 0;
        body.push(...Array(blanks).fill(""), inside ? dedent(line, width) : line.trimStart());
        next += blanks + 1;
    }
    return { blocks: innerBlocks(body, depth), next, isLoose };
}

/**
 * @param {string[]} lines
 * @param {number} at
 */
function isTable(lines, at) {
    return lines[at].includes("|") && DIVIDER.test(lines[at + 1] ?? "") && (lines[at + 1] ?? "").includes("-");
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @returns {Parsed}
 */
function parseTable(lines, at) {
    const align = cells(lines[at + 1]).map((cell) => (cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "right") : ""));
    const head = cells(lines[at]);
    const rows = [];
    let next = at + 2;
    while (next < lines.length && lines[next].trim() && lines[next].includes("|")) rows.push(cells(lines[next++]));
    return [{ type: "table", head, align, rows }, next];
}

/**
 * @param {string} line
 */
function cells(line) {
    const inner = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
    return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @returns {Parsed}
 */
function parseIndented(lines, at) {
    const body = [];
    let next = at;
    while (next < lines.length && (/^ {4}/.test(lines[next]) || !lines[next].trim())) body.push(dedent(lines[next++], 4));
    return [{ type: "code", language: "", text: body.join("\n").trimEnd() }, next];
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @returns {Parsed}
 */
function parseParagraph(lines, at) {
    const body = [lines[at].trimStart()];
    let next = at + 1;
    while (next < lines.length && lines[next].trim() && !beginsBlock(lines, next)) body.push(lines[next++].trimStart());
    return [{ type: "paragraph", text: body.join("\n") }, next];
}

/**
 * Tells whether a line begins a block within a paragraph.
 * @param {string[]} lines
 * @param {number} at
 */
function beginsBlock(lines, at) {
    const line = lines[at];
    if (FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line)) return true;
    const item = line.match(ITEM);
    return Boolean(item && item[3] && (!/\d/.test(item[2]) || item[2].startsWith("1"))) || isTable(lines, at);
}

/**
 * @param {string[]} lines
 * @param {number} from
 */
function countBlanks(lines, from) {
    let at = from;
    while (at < lines.length && !lines[at].trim()) at += 1;
    return at - from;
}

/**
 * @param {string} line
 * @param {number} width
 */
function dedent(line, width) {
    return line.replace(new RegExp(`^ {0,${width}}`), "");
}

/** @param {string} line */
function indentOf(line) {
    return line.search(/[^ ]|$/);
}

/**
 * The groups of a pattern that is known to match.
 * @param {string} line
 * @param {RegExp} pattern
 */
function groupsOf(line, pattern) {
    return /** @type {RegExpMatchArray} */ (line.match(pattern));
}
