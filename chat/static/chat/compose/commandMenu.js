// The list above the field of what a text that begins with a slash may become. Arrows lead through it, Enter does
// what is marked, Tab completes the text, Escape leaves it as it is.

import { h } from "../lib/dom.js";

export class Suggestions {
    #offers = [];
    #at = 0;

    constructor(list, composer, commands, announcer) {
        Object.assign(this, { list, composer, commands, announcer, area: composer.area });
        this.area.addEventListener("input", () => this.#look());
        composer.picker.ready.then(() => this.#look(this.#at)); // what a command takes may only be known now
        this.area.addEventListener("blur", () => this.#show([]));
        this.area.addEventListener("keydown", (event) => this.#press(event), { capture: true }); // before it is sent
        list.addEventListener("pointerdown", (event) => event.preventDefault()); // the keyboard stays in the field
    }

    #look(at = 0) {
        const text = this.area.value;
        const isHere = document.activeElement === this.area;
        this.#show(isHere && text.startsWith("/") ? this.commands.suggest(text) : [], at);
    }

    #show(offers, at = 0) {
        const wasOpen = this.#offers.length > 0;
        this.#offers = offers;
        this.list.replaceChildren(...offers.map((offer, at) => this.#option(offer, at)));
        this.list.hidden = !offers.length;
        if (!offers.length) return this.#close();
        for (const [name, value] of Object.entries(COMBOBOX)) this.area.setAttribute(name, value);
        if (!wasOpen) this.announcer.say(`${offers.length} commands`);
        this.#point(Math.min(at, offers.length - 1));
    }

    #close() {
        for (const name of [...Object.keys(COMBOBOX), "aria-activedescendant"]) this.area.removeAttribute(name);
    }

    #option(offer, at) {
        const name = written(offer);
        const pressed = { onclick: () => this.#do(offer), onpointermove: () => this.#point(at) };
        return h("div", { role: "option", id: `command-${at}`, "aria-selected": "false", ...pressed }, name, h("span", { class: "tells" }, offer.tells));
    }

    #point(at) {
        this.#at = at;
        const options = [...this.list.children];
        options.forEach((option, index) => option.setAttribute("aria-selected", index === at));
        this.area.setAttribute("aria-activedescendant", options[at].id);
        options[at].scrollIntoView({ block: "nearest" });
    }

    #press(event) {
        if (!this.#offers.length || event.isComposing || event.keyCode === 229 || event.shiftKey) return;
        const act = this.#wish(event.key);
        if (!act) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        act();
    }

    #wish(key) {
        const many = this.#offers.length;
        const step = { ArrowDown: 1, ArrowUp: many - 1 }[key];
        if (step) return () => this.#point((this.#at + step) % many);
        const offer = this.#offers[this.#at];
        if (key === "Tab" && offer.text === this.area.value) return null; // complete already: the keyboard goes on
        return { Enter: () => this.#do(offer), Tab: () => this.#complete(offer), Escape: () => this.#show([]) }[key];
    }

    #do(offer) {
        this.composer.write("");
        this.#show([]);
        offer.act();
    }

    #complete(offer) {
        this.composer.write(offer.text);
        this.#look();
    }
}

// How a command is written.
export function written({ label, takes }) {
    return h("span", { class: "command" }, label, takes && h("i", {}, ` ${takes}`));
}

// What the field is while the list is open; otherwise it is a field for words.
const COMBOBOX = { role: "combobox", "aria-expanded": "true", "aria-controls": "commands", "aria-autocomplete": "list" };
