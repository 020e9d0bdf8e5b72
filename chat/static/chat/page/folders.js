// The folders of conversations: which one is open in the sidebar, and the dialog that moves a conversation.
// A folder exists while a conversation is in it. Emits "chosen" when another one is opened.

import { getAll } from "../lib/api.js";
import { button, find, findAs } from "../lib/dom.js";
import { Emitter } from "../lib/emitter.js";
import { limitLength } from "../lib/limits.js";

const MAX_NAME_CHARS = 60;
const DEBOUNCE_MS = 60;

/** @extends {Emitter<{ chosen: undefined }>} */
export class Folders extends Emitter {
    /** @type {string[]} */
    names = [];
    #timer = 0;
    #submit = (/** @type {string} */ _name) => {};

    /**
     * @param {HTMLSelectElement} select
     * @param {HTMLDialogElement} dialog
     * @param {(id: Wire.Id, folder: string | null) => void} change moves a conversation
     */
    constructor(select, dialog, change) {
        super();
        this.select = select;
        this.dialog = dialog;
        this.change = change;
        this.selects = /** @type {NodeListOf<HTMLSelectElement>} */ (document.querySelectorAll("select[data-folders]")); // the sidebar's and the search's
        this.list = find("[data-names]", dialog);
        this.field = limitLength(findAs(HTMLInputElement, "input", dialog), MAX_NAME_CHARS);
        select.addEventListener("change", () => this.emit("chosen"));
        find("form", dialog).addEventListener("submit", () => this.#submit(this.field.value.trim()));
        dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    }

    /** The folder that is open; null where all are shown. */
    get chosen() {
        return this.select.value || null;
    }

    /** Loads the names, once for calls that come together. */
    load() {
        this.#timer ||= setTimeout(async () => {
            this.#timer = 0;
            const folders = await getAll("chat/folders").catch(() => null); // the next change loads again
            if (folders) this.#show(folders.map(({ name }) => name));
        }, DEBOUNCE_MS);
    }

    /**
     * Lets a person pick a folder; the focus comes back to the anchor.
     * @param {Wire.Conversation} conversation
     * @param {HTMLElement} anchor
     */
    openDialog({ id, folder }, anchor) {
        this.#submit = (name) => name && this.change(id, name);
        /** @param {string | null} name */
        const moveTo = (name) => () => {
            this.dialog.close();
            this.change(id, name);
        };
        const others = this.names.filter((name) => name !== folder).map((name) => button(name, moveTo(name), { dir: "auto" }, "folder"));
        this.list.replaceChildren(...others, folder ? button(`Remove from ${folder}`, moveTo(null), {}, "close") : "");
        this.field.value = "";
        this.field.setCustomValidity("");
        this.dialog.addEventListener("close", () => anchor.isConnected && anchor.focus(), { once: true });
        this.dialog.showModal();
        (others[0] ?? this.field).focus();
    }

    /**
     * Moves a conversation to a folder; without a name, opens the dialog.
     * @param {Wire.Conversation} conversation
     * @param {string} name
     */
    move(conversation, name) {
        if (name) this.change(conversation.id, name);
        else this.openDialog(conversation, find("#message-field"));
    }

    /** @param {string[]} names */
    #show(names) {
        this.names = names;
        const before = this.chosen;
        for (const select of this.selects) {
            const { value } = select;
            select.replaceChildren(new Option("All folders", ""), ...names.map((name) => new Option(name, name)));
            select.value = names.includes(value) ? value : "";
            select.parentElement?.toggleAttribute("hidden", !names.length);
        }
        if (before !== this.chosen) this.emit("chosen"); // the folder is gone
    }
}
