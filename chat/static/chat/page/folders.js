// The folders that conversations lie in: which one is open at the side, and into which one something moves.
// A folder is there while something lies in it. Events: "chosen" when another one is opened.

import { all } from "../lib/api.js";
import { button, find } from "../lib/dom.js";
import { bound } from "../lib/limits.js";

const LONGEST_FOLDER = 60;
const SOON_MS = 60;

export class Folders extends EventTarget {
    names = [];
    #timer = 0;
    #file = () => {};

    // `change` puts a conversation into a folder, by its id.
    constructor(select, dialog, change) {
        super();
        Object.assign(this, { select, dialog, change });
        this.lists = [...document.querySelectorAll("[data-folders]")]; // at the side, and in the search
        this.list = find("[data-names]", dialog);
        this.field = bound(find("input", dialog), LONGEST_FOLDER);
        select.addEventListener("change", () => this.dispatchEvent(new Event("chosen")));
        find("form", dialog).addEventListener("submit", () => this.#file(this.field.value.trim()));
        dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    }

    // The folder that is open; null where all are shown.
    get chosen() {
        return this.select.value || null;
    }

    // Asks which there are, once for what comes together.
    load() {
        this.#timer ||= setTimeout(() => {
            this.#timer = 0;
            all("chat/folders").then((folders) => this.#show(folders.map(({ name }) => name))).catch(() => {}); // the next change asks again
        }, SOON_MS);
    }

    // Lets a person say where a conversation is to lie; the keyboard comes back to the anchor.
    ask({ id, folder }, anchor) {
        this.#file = (name) => name && this.change(id, name);
        const put = (name) => () => {
            this.dialog.close();
            this.change(id, name);
        };
        const others = this.names.filter((name) => name !== folder).map((name) => button(name, put(name), { dir: "auto" }, "folder"));
        this.list.replaceChildren(...others, folder ? button(`Take out of ${folder}`, put(null), {}, "close") : "");
        this.field.value = "";
        this.field.setCustomValidity("");
        this.dialog.addEventListener("close", () => anchor.isConnected && anchor.focus(), { once: true });
        this.dialog.showModal();
        (others[0] ?? this.field).focus();
    }

    // Moves a conversation by the name of a folder; without one, asks for it.
    move(conversation, name) {
        if (name) this.change(conversation.id, name);
        else this.ask(conversation, find("#words"));
    }

    #show(names) {
        this.names = names;
        const before = this.chosen;
        for (const list of this.lists) {
            const { value } = list;
            list.replaceChildren(new Option("All folders", ""), ...names.map((name) => new Option(name, name)));
            list.value = names.includes(value) ? value : "";
            list.parentElement.hidden = !names.length;
        }
        if (before !== this.chosen) this.dispatchEvent(new Event("chosen")); // nothing lies in it any more
    }
}
