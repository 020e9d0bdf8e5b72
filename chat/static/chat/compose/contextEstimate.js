// What the next question would have the model read, and the cost of that, in small print below the field.

import { get } from "../lib/api.js";
import { count, usd } from "../lib/format.js";

const SOON_MS = 300;
const NEARLY = 0.8; // of the room

export class Outlook {
    #key = "";
    #timer = 0;
    #told = null; // by the server, without the words in the field and the files beside it

    constructor(element, composer, thread, announcer) {
        Object.assign(this, { element, composer, thread, announcer });
        composer.addEventListener("typed", () => this.#show());
        composer.tray.addEventListener("change", () => this.#show());
        composer.picker.addEventListener("shown", () => this.#look());
        thread.addEventListener("shown", () => this.#look());
    }

    // Asks anew where something else would be read: another conversation, more of it, somebody else.
    #look() {
        const { id, messages } = this.thread;
        const { profile = "", model = "" } = this.composer.choice;
        const last = messages.findLast((message) => message.finished_at)?.id ?? "";
        const key = JSON.stringify([id, last, profile, model]);
        if (key === this.#key || (id && !messages.length)) return; // or it is on its way
        this.#key = key;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#ask(key, new URLSearchParams({ conversation_id: id ?? "", profile, model })), SOON_MS);
    }

    async #ask(key, asked) {
        const told = await get(`chat/outlook?${asked}`).catch(() => null); // then nothing is said
        if (key !== this.#key) return;
        this.#told = told;
        this.#show();
    }

    #show() {
        this.element.hidden = !this.#told;
        if (!this.#told) return;
        const { tokens, room, left_out: isLeftOut, usd_per_token: price, chars_per_token: length } = this.#told;
        const words = new TextEncoder().encode(this.composer.area.value).length / length;
        const all = tokens + this.composer.tray.tokens + Math.round(words);
        const full = isLeftOut ? "the oldest words are left out" : all > room * NEARLY ? "nearly full, soon the oldest words are left out" : "";
        this.element.textContent = [`about ${count(all)} tokens`, price === null ? "cost unknown" : usd(all * price), full].filter(Boolean).join(" · ");
        this.element.title = `What the model would read: its instructions and tools, what was said, your words and files. ${price === null ? "The price of this model is not known." : price ? "The answer costs beside it." : "Nothing is paid for this model."}`;
        if (full && !this.element.hasAttribute("data-full")) this.announcer.say(`This conversation is long: ${full}.`);
        this.element.toggleAttribute("data-full", Boolean(full));
    }
}
