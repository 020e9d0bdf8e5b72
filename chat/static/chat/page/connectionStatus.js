// How the connection is doing; silent while all is well and nothing waits.

import { h, icon } from "../lib/dom.js";

export class Chip {
    constructor(element, connection, outbox) {
        Object.assign(this, { element, connection, outbox });
        connection.addEventListener("state", () => this.show());
        outbox.addEventListener("change", () => this.show());
        this.show();
    }

    show() {
        const { name, seconds } = this.connection.state;
        const words = {
            live: "live",
            connecting: "connecting",
            waiting: "reconnecting",
            offline: this.outbox.waiting ? "offline, will send when back" : "offline",
            over: "signed out",
        }[name];
        const ticks = name === "waiting" ? ` in ${seconds} s` : "";
        if (this.element.dataset.words !== words) this.#draw(name, words);
        if (this.ticks.textContent !== ticks) this.ticks.textContent = ticks;
    }

    #draw(name, words) {
        this.ticks = h("span", { "aria-hidden": "true" }); // nobody wants to hear the seconds counted
        this.element.dataset.words = words;
        this.element.dataset.state = name;
        this.element.replaceChildren(name === "offline" ? icon("cloud-off") : h("span", { class: "dot" }), h("span", { class: "chip-words" }, words, this.ticks));
    }
}
