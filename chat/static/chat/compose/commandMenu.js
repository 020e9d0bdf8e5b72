// The list above the message field of what a text that begins with a slash may become. Arrows move through it,
// Enter runs the selected option, Tab completes the text, Escape closes the list.

import { h, isComposing } from "../lib/dom.js";
/** @import { Announcer } from "../page/announcer.js" */
/** @import { Commands, Option } from "./commands.js" */
/** @import { Composer } from "./composer.js" */

// The field is a combobox while the list is open, and a plain text field otherwise.
const COMBOBOX = { role: "combobox", "aria-expanded": "true", "aria-controls": "command-menu", "aria-autocomplete": "list" };

export class CommandMenu {
    /** @type {Option[]} */
    #options = [];
    #at = 0;

    /**
     * @param {HTMLElement} list
     * @param {Composer} composer
     * @param {Commands} commands
     * @param {Announcer} announcer
     */
    constructor(list, composer, commands, announcer) {
        this.list = list;
        this.composer = composer;
        this.commands = commands;
        this.announcer = announcer;
        this.area = composer.area;
        this.area.addEventListener("input", () => this.#update());
        composer.picker.ready.then(() => this.#update(this.#at)); // the choices of a command may be known only now
        this.area.addEventListener("blur", () => this.#show([]));
        this.area.addEventListener("keydown", (event) => this.#keyPressed(event), { capture: true }); // before it is sent
        list.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays in the field
    }

    #update(at = 0) {
        const text = this.area.value;
        const isActive = document.activeElement === this.area;
        this.#show(isActive && text.startsWith("/") ? this.commands.suggest(text) : [], at);
    }

    /**
     * @param {Option[]} options
     * @param {number} [at]
     */
    #show(options, at = 0) {
        const wasOpen = this.#options.length > 0;
        this.#options = options;
        this.list.replaceChildren(...options.map((option, at) => this.#optionElement(option, at)));
        this.list.hidden = !options.length;
        if (!options.length) return this.#close();
        for (const [name, value] of Object.entries(COMBOBOX)) this.area.setAttribute(name, value);
        if (!wasOpen) this.announcer.announce(`${options.length} commands`);
        this.#select(Math.min(at, options.length - 1));
    }

    #close() {
        for (const name of [...Object.keys(COMBOBOX), "aria-activedescendant"]) this.area.removeAttribute(name);
    }

    /**
     * @param {Option} option
     * @param {number} at
     */
    #optionElement(option, at) {
        const listeners = { onclick: () => this.#run(option), onpointermove: () => this.#select(at) };
        const description = h("span", { class: "command-description" }, option.description);
        return h("div", { role: "option", id: `command-${at}`, "aria-selected": "false", ...listeners }, commandLabel(option), description);
    }

    /** @param {number} at */
    #select(at) {
        this.#at = at;
        const elements = [...this.list.children];
        elements.forEach((element, index) => element.setAttribute("aria-selected", String(index === at)));
        this.area.setAttribute("aria-activedescendant", elements[at].id);
        elements[at].scrollIntoView({ block: "nearest" });
    }

    /** @param {KeyboardEvent} event */
    #keyPressed(event) {
        if (!this.#options.length || isComposing(event) || event.shiftKey) return;
        const act = this.#actionOf(event.key);
        if (!act) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        act();
    }

    /** @param {string} key */
    #actionOf(key) {
        const total = this.#options.length;
        const option = this.#options[this.#at];
        if (key === "ArrowDown") return () => this.#select((this.#at + 1) % total);
        if (key === "ArrowUp") return () => this.#select((this.#at + total - 1) % total);
        if (key === "Enter") return () => this.#run(option);
        if (key === "Escape") return () => this.#show([]);
        // Where the text is complete, Tab moves the focus.
        return key === "Tab" && option.text !== this.area.value ? () => this.#complete(option) : null;
    }

    /** @param {Option} option */
    #run(option) {
        this.composer.setText("");
        this.#show([]);
        option.act();
    }

    /** @param {Option} option */
    #complete(option) {
        this.composer.setText(option.text);
        this.#update();
    }
}

/**
 * Writes a command with the argument that it takes.
 * @param {{ label: string, argument?: string }} command
 */
export function commandLabel({ label, argument }) {
    return h("span", { class: "command" }, label, argument && h("i", {}, ` ${argument}`));
}
