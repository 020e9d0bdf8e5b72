// Cuts Markdown into blocks: plain objects with the line they begin at. Knows nothing of the page.

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:\s+(.*?))?\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(\s+|$)/;
const DIVIDER = /^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const DEEPEST = 12;

export function cut(lines, depth = 0) {
    const blocks = [];
    let at = 0;
    while (at < lines.length) {
        if (!lines[at].trim()) {
            at += 1;
            continue;
        }
        const [block, next] = read(lines, at, depth);
        blocks.push({ ...block, line: at });
        at = next;
    }
    return blocks;
}

function read(lines, at, depth) {
    const line = lines[at];
    if (FENCE.test(line)) return readFence(lines, at);
    if (HEADING.test(line)) return readHeading(line, at);
    if (RULE.test(line)) return [{ type: "rule" }, at + 1];
    if (depth < DEEPEST && QUOTE.test(line)) return readQuote(lines, at, depth);
    if (depth < DEEPEST && ITEM.test(line)) return readList(lines, at, depth);
    if (isTable(lines, at)) return readTable(lines, at);
    if (/^ {4}/.test(line)) return readIndented(lines, at);
    return readParagraph(lines, at);
}

function readFence(lines, at) {
    const [, mark, info] = lines[at].match(FENCE);
    const indent = lines[at].match(/^ */)[0].length;
    const closing = new RegExp(`^ {0,3}${mark[0] === "`" ? "`" : "~"}{${mark.length},}\\s*$`);
    const body = [];
    let next = at + 1;
    while (next < lines.length && !closing.test(lines[next])) body.push(dedent(lines[next++], indent));
    const open = next >= lines.length;
    return [{ type: "code", language: info.trim().split(/\s+/)[0], text: body.join("\n"), open }, next + 1];
}

function readHeading(line, at) {
    const [, marks, text] = line.match(HEADING);
    return [{ type: "heading", level: marks.length, text: text ?? "" }, at + 1];
}

function readQuote(lines, at, depth) {
    const body = [];
    let next = at;
    while (next < lines.length && (QUOTE.test(lines[next]) || isLazy(lines, next))) body.push(lines[next++].replace(QUOTE, ""));
    return [{ type: "quote", blocks: cut(body, depth + 1) }, next];
}

function isLazy(lines, at) {
    return lines[at].trim() && QUOTE.test(lines[at - 1] ?? "") && !begins(lines, at);
}

function readList(lines, at, depth) {
    const [, , mark] = lines[at].match(ITEM);
    const ordered = /\d/.test(mark);
    const items = [];
    let next = at;
    let loose = false;
    while (next < lines.length && isItemOf(lines[next], ordered, mark)) {
        const item = readItem(lines, next, depth);
        items.push(item.blocks);
        const blanks = countBlanks(lines, item.next);
        const goesOn = item.next + blanks < lines.length && isItemOf(lines[item.next + blanks], ordered, mark);
        loose ||= item.loose || (goesOn && blanks > 0);
        next = goesOn ? item.next + blanks : item.next;
    }
    return [{ type: "list", ordered, start: ordered ? parseInt(mark, 10) : 1, items, loose }, next];
}

function isItemOf(line, ordered, mark) {
    const found = line.match(ITEM);
    if (!found || RULE.test(line)) return false;
    return ordered ? /\d/.test(found[2]) && found[2].at(-1) === mark.at(-1) : found[2] === mark;
}

function readItem(lines, at, depth) {
    const [whole, indent, mark, gap] = lines[at].match(ITEM);
    const width = gap.length > 4 || !gap ? indent.length + mark.length + 1 : whole.length;
    const body = [lines[at].slice(whole.length)];
    let next = at + 1;
    let loose = false;
    while (next < lines.length) {
        const blanks = countBlanks(lines, next);
        const line = lines[next + blanks];
        if (line === undefined) break;
        const inside = line.match(/^ */)[0].length >= Math.min(width, indent.length + 2);
        if (!inside && (blanks || begins(lines, next) || ITEM.test(line))) break;
        loose ||= blanks > 0;
        body.push(...Array(blanks).fill(""), inside ? dedent(line, width) : line.trimStart());
        next += blanks + 1;
    }
    return { blocks: cut(body, depth + 1), next, loose };
}

function isTable(lines, at) {
    return lines[at].includes("|") && DIVIDER.test(lines[at + 1] ?? "") && (lines[at + 1] ?? "").includes("-");
}

function readTable(lines, at) {
    const align = cells(lines[at + 1]).map((cell) => (cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "right") : ""));
    const head = cells(lines[at]);
    const rows = [];
    let next = at + 2;
    while (next < lines.length && lines[next].trim() && lines[next].includes("|")) rows.push(cells(lines[next++]));
    return [{ type: "table", head, align, rows }, next];
}

function cells(line) {
    const inner = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
    return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function readIndented(lines, at) {
    const body = [];
    let next = at;
    while (next < lines.length && (/^ {4}/.test(lines[next]) || !lines[next].trim())) body.push(dedent(lines[next++], 4));
    return [{ type: "code", language: "", text: body.join("\n").trimEnd() }, next];
}

function readParagraph(lines, at) {
    const body = [lines[at].trimStart()];
    let next = at + 1;
    while (next < lines.length && lines[next].trim() && !begins(lines, next)) body.push(lines[next++].trimStart());
    return [{ type: "paragraph", text: body.join("\n") }, next];
}

// Whether a line begins a block in the midst of a paragraph.
function begins(lines, at) {
    const line = lines[at];
    if (FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line)) return true;
    const item = line.match(ITEM);
    return Boolean(item && item[3] && (!/\d/.test(item[2]) || item[2].startsWith("1"))) || isTable(lines, at);
}

function countBlanks(lines, from) {
    let at = from;
    while (at < lines.length && !lines[at].trim()) at += 1;
    return at - from;
}

function dedent(line, width) {
    return line.replace(new RegExp(`^ {0,${width}}`), "");
}
