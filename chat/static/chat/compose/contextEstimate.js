// How many tokens the next message would have the model read, and their cost, in small print below the field.

import { get } from "../lib/api.js";
import { count, usd } from "../lib/format.js";
/** @import { Announcer } from "../page/announcer.js" */
/** @import { Thread } from "../thread/thread.js" */
/** @import { Composer } from "./composer.js" */

const DEBOUNCE_MS = 300;
const NEARLY_FULL = 0.8;

export class ContextEstimate {
    #key = "";
    #timer = 0;
    /** @type {Wire.ContextEstimate | null} without the text in the field and the files beside it */
    #estimate = null;

    /**
     * @param {HTMLElement} element
     * @param {Composer} composer
     * @param {Thread} thread
     * @param {Announcer} announcer
     */
    constructor(element, composer, thread, announcer) {
        this.element = element;
        this.composer = composer;
        this.thread = thread;
        this.announcer = announcer;
        composer.on("typed", () => this.#show());
        composer.tray.on("change", () => this.#show());
        composer.picker.on("shown", () => this.#update());
        thread.on("shown", () => this.#update());
    }

    // Loads the estimate anew where the conversation, its length, the profile or the model changed.
    #update() {
        const { id, messages } = this.thread;
        const { profile = "", model = "" } = this.composer.choice;
        const last = messages.findLast((message) => message.finished_at)?.id ?? "";
        const key = JSON.stringify([id, last, profile, model]);
        if (key === this.#key || (id && !messages.length)) return; // or the messages are loading
        this.#key = key;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#load(key, new URLSearchParams({ conversation_id: id ?? "", profile, model })), DEBOUNCE_MS);
    }

    /**
     * @param {string} key
     * @param {URLSearchParams} query
     */
    async #load(key, query) {
        const estimate = await get(`chat/outlook?${query}`).catch(() => null); // then nothing is shown
        if (key !== this.#key) return;
        this.#estimate = estimate;
        this.#show();
    }

    #show() {
        this.element.hidden = !this.#estimate;
        if (!this.#estimate) return;
        const { tokens, room, left_out: isTruncated, usd_per_token: price, chars_per_token: length } = this.#estimate;
        const typed = new TextEncoder().encode(this.composer.area.value).length / length;
        const total = tokens + this.composer.tray.tokens + Math.round(typed);
        const full = isTruncated ? "the oldest words are left out" : total > room * NEARLY_FULL ? "nearly full, soon the oldest words are left out" : "";
        this.element.textContent = [`about ${count(total)} tokens`, price === null ? "cost unknown" : usd(total * price), full].filter(Boolean).join(" · ");
        this.element.title = `Estimated input: instructions, tools, conversation, your message and files. ${price === null ? "The price of this model is not known." : price ? "The reply costs extra." : "This model is free."}`;
        if (full && !this.element.hasAttribute("data-full")) this.announcer.announce(`This conversation is long: ${full}.`);
        this.element.toggleAttribute("data-full", Boolean(full));
    }
}
