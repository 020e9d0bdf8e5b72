// Finds conversations by the text of their titles and messages. Opened with Ctrl-K.

import { get, isAbort, messageOf } from "../lib/api.js";
import { find, findAs, h, icon } from "../lib/dom.js";
import { shortTime } from "../lib/format.js";

const DEBOUNCE_MS = 140;

export class Search {
    #timer = 0;
    /** @type {AbortController | null} */
    #abort = null;

    /**
     * @param {HTMLDialogElement} dialog
     * @param {(id: Wire.Id, messageId: Wire.Id | null) => void} go
     */
    constructor(dialog, go) {
        this.dialog = dialog;
        this.go = go;
        this.field = findAs(HTMLInputElement, "input", dialog);
        this.list = find("[role=listbox]", dialog);
        this.status = find("[role=status]", dialog);
        this.folder = findAs(HTMLSelectElement, "select", dialog);
        this.folder.addEventListener("change", () => this.#search());
        this.field.addEventListener("input", () => this.#searchSoon());
        this.field.addEventListener("keydown", (event) => this.#keyPressed(event));
        dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    }

    /** Opens with this text, or with the latest one. */
    open(text = "") {
        if (this.dialog.open) return;
        if (text) this.field.value = text;
        this.dialog.showModal();
        this.field.select();
        this.#search();
    }

    #searchSoon() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#search(), DEBOUNCE_MS);
    }

    async #search() {
        this.#abort?.abort();
        const abort = new AbortController();
        this.#abort = abort;
        const text = this.field.value.trim();
        try {
            const query = this.#folderQuery + (text ? `search=${encodeURIComponent(text)}&` : "");
            const archives = text ? ["", "&archived=true"] : [""]; // the archive only where a text is searched for
            /** @type {Wire.Page<Wire.Conversation>[]} */
            const pages = await Promise.all(archives.map((archive) => get(`conversations?${query}limit=20${archive}`, abort.signal)));
            this.#show(pages.flatMap(({ items }) => items), text, pages.reduce((sum, { count }) => sum + count, 0));
        } catch (error) {
            if (!isAbort(error)) this.status.textContent = messageOf(error);
        }
    }

    get #folderQuery() {
        return this.folder.value ? `folder=${encodeURIComponent(this.folder.value)}&` : "";
    }

    /**
     * @param {Wire.Conversation[]} items
     * @param {string} text
     * @param {number} count
     */
    #show(items, text, count) {
        this.list.replaceChildren(...items.map((item, at) => this.#option(item, at)));
        this.#select(0);
        const found = count > items.length ? `The first ${items.length} of ${count}.` : count === 1 ? "1 conversation." : `${count} conversations.`;
        this.status.textContent = items.length ? (text ? found : "Recent conversations") : text ? "No results. Try fewer or other words." : "No conversations to search yet.";
    }

    /**
     * @param {Wire.Conversation} item
     * @param {number} at
     */
    #option(item, at) {
        const { id, snippet, active_at: activeAt } = item;
        const title = h("span", { class: "title" }, item.title || "New conversation", item.archived_at && h("span", { class: "visually-hidden" }, ", in the archive"));
        const onclick = () => this.#open(id, snippet?.message_id ?? null);
        return h(
            "div",
            { role: "option", id: `search-result-${at}`, "aria-selected": "false", onclick, onpointermove: () => this.#select(at) },
            icon(item.archived_at ? "archive" : item.schedule_id ? "clock" : "chat"),
            h("span", { class: "search-result" }, title, snippet && h("span", { class: "snippet" }, highlighted(snippet))),
            h("time", { datetime: activeAt }, shortTime(activeAt)),
        );
    }

    /** @param {number} at */
    #select(at) {
        const options = [...this.list.children];
        options.forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
        if (options[at]) this.field.setAttribute("aria-activedescendant", options[at].id);
        else this.field.removeAttribute("aria-activedescendant");
        options[at]?.scrollIntoView({ block: "nearest" });
    }

    /** @param {KeyboardEvent} event */
    #keyPressed(event) {
        if (event.isComposing) return;
        const options = /** @type {HTMLElement[]} */ ([...this.list.children]);
        const at = options.findIndex((option) => option.ariaSelected === "true");
        const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
        if (step && options.length) {
            event.preventDefault();
            this.#select((at + step + options.length) % options.length);
        } else if (event.key === "Enter") {
            event.preventDefault();
            options[at]?.click();
        }
    }

    /**
     * @param {Wire.Id} id
     * @param {Wire.Id | null} messageId
     */
    #open(id, messageId) {
        this.dialog.close();
        this.go(id, messageId);
    }
}

/** A piece of text with its matches marked. @param {Wire.Snippet} snippet */
function highlighted({ text, marks }) {
    const letters = [...text];
    const parts = [];
    let end = 0;
    for (const [from, to] of marks) {
        parts.push(letters.slice(end, from).join(""), h("mark", {}, letters.slice(from, to).join("")));
        end = to;
    }
    return [...parts, letters.slice(end).join("")];
}
