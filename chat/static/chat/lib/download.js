// Files made of what is on the page, and their names.

import { h } from "./dom.js";

/** @type {Record<string, string>} */
const WHOLE_NAMES = { dockerfile: "Dockerfile", docker: "Dockerfile", makefile: "Makefile", make: "Makefile" };
/** @type {Record<string, string>} */
const EXTENSIONS = {
    bash: "sh", shell: "sh", sh: "sh", zsh: "sh", console: "txt", bat: "bat", powershell: "ps1",
    c: "c", "c++": "cpp", cpp: "cpp", "c#": "cs", csharp: "cs", go: "go", java: "java", kotlin: "kt", rust: "rs", swift: "swift",
    css: "css", html: "html", scss: "scss", svg: "svg", vue: "vue", xml: "xml",
    javascript: "js", js: "js", jsx: "jsx", typescript: "ts", ts: "ts", tsx: "tsx",
    elixir: "ex", haskell: "hs", lua: "lua", perl: "pl", php: "php", python: "py", py: "py", r: "r", ruby: "rb", scala: "scala",
    csv: "csv", diff: "diff", graphql: "graphql", ini: "ini", json: "json", markdown: "md", md: "md", mermaid: "mmd",
    patch: "diff", sql: "sql", tex: "tex", toml: "toml", yaml: "yaml", yml: "yaml",
};

/**
 * Names a file for a piece of code; of an unknown language, one for plain text.
 * @param {string} language
 */
export function fileNameFor(language) {
    const name = language.toLowerCase();
    return WHOLE_NAMES[name] ?? `code.${EXTENSIONS[name] ?? "txt"}`;
}

/**
 * Downloads a text. As bytes of no kind: of a text the browser would make a .txt, whatever its name.
 * @param {string} text
 * @param {string} name
 */
export function downloadText(text, name) {
    const url = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
    h("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
