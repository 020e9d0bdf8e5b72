// The line below a message: what it was, and the buttons for what can be done with it.

import { copy, h, iconButton } from "../lib/dom.js";
import { openMenu } from "../lib/menu.js";
import { count, exactTime, shortTime, span, usd } from "../lib/format.js";

const RETRY = "Retry";
const CUT_SHORT = ["truncated", "turn_limit_exceeded", "context_window_exceeded"];

export class Actions {
    constructor(view, desk) {
        this.view = view;
        this.desk = desk;
        this.element = h("footer", { class: "actions" });
        this.show(view.message);
    }

    show(message) {
        const focused = this.element.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
        const parts = message.role === "user" ? this.#ofPerson(message) : this.#ofAnswer(message);
        this.element.replaceChildren(...parts.flat().filter(Boolean));
        if (focused) this.element.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
    }

    #ofPerson(message) {
        return [
            moment(message.created_at),
            this.#branches(message),
            message.text && iconButton("copy", "Copy", (event) => copy(message.text, event.currentTarget)),
            iconButton("pencil", "Edit and send again", () => this.desk.edit(this.view)),
            this.#more(),
            this.desk.isUnanswered(message) && word("Answer", () => this.desk.retry(message)),
        ];
    }

    #ofAnswer(message) {
        if (!message.finished_at) return [];
        const again = !message.run_id && !message.card?.type;
        const louder = this.#louder(message, again);
        return [
            this.#branches(message),
            message.text && iconButton("copy", "Copy as Markdown", (event) => copy(message.text, event.currentTarget)),
            again && louder?.textContent !== RETRY && iconButton("retry", "Answer again", () => this.desk.retry(message)),
            louder,
            message.text && this.#more(),
            h("span", { class: "facts" }, facts(message, this.desk.links)),
        ];
    }

    // What goes on from here stands in words, not only as an icon.
    #louder(message, again) {
        if (CUT_SHORT.includes(message.reason)) return word("Continue", () => this.desk.goOn(message));
        return again && ["error", "interrupted"].includes(message.status) ? word(RETRY, () => this.desk.retry(message)) : null;
    }

    #more() {
        const entries = () => [
            this.view.message.text && ["quote", "Quote", () => this.desk.quote(this.view)],
            ["branch", "Fork from here", () => this.desk.fork(this.view.message)],
        ];
        const opener = iconButton("more", "More for this message", () => openMenu(opener, entries()), { "aria-haspopup": "menu", "aria-expanded": "false" });
        return opener;
    }

    #branches({ id, siblings }) {
        if (!siblings || siblings.length < 2) return null;
        const at = siblings.indexOf(id);
        const to = (step) => () => this.desk.showBranch(siblings[at + step]);
        return h(
            "span",
            { class: "branches", role: "group", "aria-label": "Versions" },
            iconButton("left", "Earlier version", to(-1), { disabled: at === 0 }),
            h("span", {}, `${at + 1} / ${siblings.length}`),
            iconButton("right", "Later version", to(1), { disabled: at === siblings.length - 1 }),
        );
    }
}

function word(label, onclick) {
    return h("button", { type: "button", class: "button small", onclick }, label);
}

function moment(at) {
    return h("time", { datetime: at, title: exactTime(at) }, shortTime(at));
}

function facts(message, links) {
    const said = [moment(message.finished_at)];
    if (message.model || message.profile) said.push(message.model ?? message.profile);
    if (message.output_tokens) said.push(tokens(message));
    if (message.output_tokens) said.push(message.cost_usd === null ? "cost unknown" : usd(message.cost_usd));
    if (message.first_token_ms !== null && message.first_token_ms !== undefined) said.push(wait(message));
    if (message.run_id) said.push(run(message.run_id, links));
    return said.map((fact) => h("span", {}, fact));
}

function tokens({ input_tokens: read, output_tokens: written }) {
    return h("span", { title: `${read.toLocaleString("en")} tokens read, ${written.toLocaleString("en")} written` }, `${count(read + written)} tokens`);
}

function wait({ first_token_ms: first, total_ms: total }) {
    const whole = total ? `; all of it after ${span(total)}` : "";
    return h("span", { title: `First word after ${span(first)}${whole}` }, `first word ${span(first)}`);
}

function run(id, links) {
    return links.run ? h("a", { href: links.run.replace("/0/", `/${id}/`) }, `run ${id}`) : `run ${id}`;
}
