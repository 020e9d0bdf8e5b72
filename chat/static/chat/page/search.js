// Finds conversations by what their titles and messages say. Opened with Ctrl-K.

import { get } from "../lib/api.js";
import { find, h, icon } from "../lib/dom.js";
import { shortTime } from "../lib/format.js";

const PAUSE_MS = 140;

export class Search {
    #timer = 0;
    #abort = null;

    constructor(dialog, go) {
        this.dialog = dialog;
        this.go = go;
        this.field = find("input", dialog);
        this.list = find("[role=listbox]", dialog);
        this.said = find("[role=status]", dialog);
        this.within = find("select", dialog);
        this.within.addEventListener("change", () => this.#look());
        this.field.addEventListener("input", () => this.#typed());
        this.field.addEventListener("keydown", (event) => this.#press(event));
        dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    }

    // Opens with what was looked for last, or with these words.
    open(words = "") {
        if (this.dialog.open) return;
        if (words) this.field.value = words;
        this.dialog.showModal();
        this.field.select();
        this.#look();
    }

    #typed() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#look(), PAUSE_MS);
    }

    async #look() {
        this.#abort?.abort();
        this.#abort = new AbortController();
        const words = this.field.value.trim();
        try {
            const asked = this.#within + (words ? `search=${encodeURIComponent(words)}&` : "");
            const shelves = words ? ["", "&archived=true"] : [""]; // who looks for words wants what is put away, too
            const found = await Promise.all(shelves.map((shelf) => get(`conversations?${asked}limit=20${shelf}`, this.#abort.signal)));
            this.#show(found.flatMap(({ items }) => items), words, found.reduce((sum, { count }) => sum + count, 0));
        } catch (error) {
            if (error.name !== "AbortError") this.said.textContent = error.message;
        }
    }

    get #within() {
        return this.within.value ? `folder=${encodeURIComponent(this.within.value)}&` : "";
    }

    #show(items, words, count) {
        this.list.replaceChildren(...items.map((item, at) => this.#option(item, at)));
        this.#point(0);
        const found = count > items.length ? `The first ${items.length} of ${count}.` : count === 1 ? "1 conversation." : `${count} conversations.`;
        this.said.textContent = items.length ? (words ? found : "Lately") : words ? "Nothing says that. Try fewer or other words." : "There is nothing to search yet.";
    }

    #option(item, at) {
        const snippet = item.snippet ? h("span", { class: "snippet" }, marked(item.snippet)) : "";
        const title = h("span", { class: "title" }, item.title || "New conversation", item.archived_at && h("span", { class: "visually-hidden" }, ", in the archive"));
        const open = () => this.#open(item.id, item.snippet?.message_id);
        return h(
            "div",
            { role: "option", id: `found-${at}`, "aria-selected": "false", onclick: open, onpointermove: () => this.#point(at) },
            icon(item.archived_at ? "archive" : item.schedule_id ? "clock" : "chat"),
            h("span", { class: "found" }, title, snippet),
            h("time", { datetime: item.active_at }, shortTime(item.active_at)),
        );
    }

    #point(at) {
        const options = [...this.list.children];
        options.forEach((option, index) => option.setAttribute("aria-selected", index === at));
        if (options[at]) this.field.setAttribute("aria-activedescendant", options[at].id);
        else this.field.removeAttribute("aria-activedescendant");
        options[at]?.scrollIntoView({ block: "nearest" });
    }

    #press(event) {
        if (event.isComposing) return;
        const options = [...this.list.children];
        const at = options.findIndex((option) => option.ariaSelected === "true");
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step && options.length) {
            event.preventDefault();
            this.#point((at + step + options.length) % options.length);
        } else if (event.key === "Enter") {
            event.preventDefault();
            options[at]?.click();
        }
    }

    #open(id, messageId) {
        this.dialog.close();
        this.go(id, messageId);
    }
}

// A piece of text with the words that were looked for; places are counted in code points.
function marked(snippet) {
    if (typeof snippet === "string") return [snippet];
    const letters = [...snippet.text];
    const parts = [];
    let seen = 0;
    for (const [from, to] of snippet.marks) {
        parts.push(letters.slice(seen, from).join(""), h("mark", {}, letters.slice(from, to).join("")));
        seen = to;
    }
    return [...parts, letters.slice(seen).join("")];
}
