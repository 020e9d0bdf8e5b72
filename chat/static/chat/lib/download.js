// Files made of what is on the page.

import { h } from "./dom.js";

const WHOLE_NAMES = { dockerfile: "Dockerfile", docker: "Dockerfile", makefile: "Makefile", make: "Makefile" };
const ENDINGS = {
    bash: "sh", shell: "sh", sh: "sh", zsh: "sh", console: "txt", bat: "bat", powershell: "ps1",
    c: "c", "c++": "cpp", cpp: "cpp", "c#": "cs", csharp: "cs", go: "go", java: "java", kotlin: "kt", rust: "rs", swift: "swift",
    css: "css", html: "html", scss: "scss", svg: "svg", vue: "vue", xml: "xml",
    javascript: "js", js: "js", jsx: "jsx", typescript: "ts", ts: "ts", tsx: "tsx",
    elixir: "ex", haskell: "hs", lua: "lua", perl: "pl", php: "php", python: "py", py: "py", r: "r", ruby: "rb", scala: "scala",
    csv: "csv", diff: "diff", graphql: "graphql", ini: "ini", json: "json", markdown: "md", md: "md", mermaid: "mmd",
    patch: "diff", sql: "sql", tex: "tex", toml: "toml", yaml: "yaml", yml: "yaml",
};

// A name for a piece of code; of a language that is not known, one for plain text.
export function fileNameFor(language) {
    const name = language.toLowerCase();
    return WHOLE_NAMES[name] ?? `code.${ENDINGS[name] ?? "txt"}`;
}

// Bytes of no kind: of a text the browser would make a .txt, whatever it is called.
export function save(text, name) {
    const address = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
    h("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
