// Says to a screen reader that an answer begins, asks and ends, and never each of its words.

import { words } from "../lib/format.js";

export class Announcer {
    #begun = new Set();
    #asked = new Set();

    constructor(element, isShown) {
        this.element = element;
        this.isShown = isShown;
    }

    hear(reply) {
        if (!this.isShown(reply.id)) return;
        for (const { id, text, status } of reply.questions.values()) if (status === "open") this.#ask(id, text);
        if (!reply.text || this.#begun.has(reply.id)) return;
        this.#begun.add(reply.id);
        this.say("Answer started.");
    }

    #ask(id, text) {
        if (this.#asked.has(id)) return;
        this.#asked.add(id);
        this.say(`The agent asks: ${text}`);
    }

    finish(reply) {
        if (!this.isShown(reply.id)) return;
        this.#begun.delete(reply.id);
        const how = { complete: "Answer finished", stopped: "Answer stopped" }[reply.status] ?? "Answer broken off";
        this.say(`${how}, ${words(reply.text)} words.`);
    }

    say(text) {
        this.element.textContent = text;
    }
}
