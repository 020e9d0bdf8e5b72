// The line below a message: when it was written and what it cost, and the buttons for what can be done with it.

import { copy, h, iconButton, smallButton } from "../lib/dom.js";
import { count, duration, exactTime, shortTime, usd } from "../lib/format.js";
import { openMenu } from "../lib/menu.js";
/** @import { Child } from "../lib/dom.js" */
/** @import { MenuEntry } from "../lib/menu.js" */
/** @import { AssistantMessage, UserMessage } from "./message.js" */
/** @import { Thread } from "./thread.js" */

const RETRY = "Retry";
const CUT_SHORT = ["truncated", "turn_limit_exceeded", "context_window_exceeded"];

export class MessageActions {
    /**
     * @param {UserMessage | AssistantMessage} view
     * @param {Thread} thread
     */
    constructor(view, thread) {
        this.view = view;
        this.thread = thread;
        this.element = h("footer", { class: "actions" });
        this.show(view.message);
    }

    /** @param {Wire.Message} message */
    show(message) {
        const focused = this.element.contains(document.activeElement) ? document.activeElement?.getAttribute("aria-label") : null;
        const parts = message.role === "user" ? this.#ofPerson(message) : this.#ofReply(message);
        this.element.replaceChildren(...parts.filter((part) => part instanceof Node));
        if (!focused) return;
        /** @type {HTMLElement | null} */ (this.element.querySelector(`[aria-label="${CSS.escape(focused)}"]`))?.focus();
    }

    /**
     * @param {Wire.Message} message
     * @returns {Child[]}
     */
    #ofPerson(message) {
        const { view, thread } = this;
        return [
            timeElement(message.created_at),
            this.#branches(message),
            message.text && iconButton("copy", "Copy", (event) => copy(message.text, event.currentTarget)),
            iconButton("pencil", "Edit and send again", () => thread.edit(/** @type {UserMessage} */ (view))),
            this.#moreButton(),
            thread.isUnanswered(message) && smallButton("Answer", () => thread.retry(message)),
        ];
    }

    /**
     * @param {Wire.Message} message
     * @returns {Child[]}
     */
    #ofReply(message) {
        if (!message.finished_at) return [];
        const mayRetry = !message.run_id && !message.card.type;
        const labelled = this.#labelledButton(message, mayRetry);
        return [
            this.#branches(message),
            message.text && iconButton("copy", "Copy as Markdown", (event) => copy(message.text, event.currentTarget)),
            mayRetry && labelled?.textContent !== RETRY && iconButton("retry", "Answer again", () => this.thread.retry(message)),
            labelled,
            message.text && this.#moreButton(),
            h("span", { class: "facts" }, facts(message, this.thread.links)),
        ];
    }

    /**
     * The next step after an answer that is not whole has a label, not only an icon.
     * @param {Wire.Message} message
     * @param {boolean} mayRetry
     */
    #labelledButton(message, mayRetry) {
        if (CUT_SHORT.includes(message.reason ?? "")) return smallButton("Continue", () => this.thread.send("Continue."));
        return mayRetry && ["error", "interrupted"].includes(message.status) ? smallButton(RETRY, () => this.thread.retry(message)) : null;
    }

    #moreButton() {
        const { view, thread } = this;
        /** @returns {(MenuEntry | "" | false)[]} */
        const entries = () => [
            view.message.text !== "" && ["quote", "Quote", () => thread.quote(view)],
            ["branch", "Fork from here", () => thread.fork(view.message)],
        ];
        const opener = iconButton("more", "More for this message", () => openMenu(opener, entries()), { "aria-haspopup": "menu", "aria-expanded": "false" });
        return opener;
    }

    /** @param {Wire.Message} message */
    #branches({ id, siblings }) {
        if (siblings.length < 2) return null;
        const at = siblings.indexOf(id);
        /** @param {number} step */
        const to = (step) => () => this.thread.showBranch(siblings[at + step]);
        return h(
            "span",
            { class: "branches", role: "group", "aria-label": "Versions" },
            iconButton("left", "Earlier version", to(-1), { disabled: at === 0 }),
            h("span", {}, `${at + 1} / ${siblings.length}`),
            iconButton("right", "Later version", to(1), { disabled: at === siblings.length - 1 }),
        );
    }
}

/** @param {Wire.Moment} at */
function timeElement(at) {
    return h("time", { datetime: at, title: exactTime(at) }, shortTime(at));
}

/**
 * @param {Wire.Message} message
 * @param {Wire.Links} links
 */
function facts(message, links) {
    const { finished_at: finishedAt, model, profile, output_tokens: written, cost_usd: cost, first_token_ms: firstMs, run_id: runId } = message;
    const found = [
        finishedAt && timeElement(finishedAt),
        model ?? profile,
        written > 0 && tokensElement(message),
        written > 0 && (cost === null ? "cost unknown" : usd(cost)),
        firstMs !== null && firstMs !== undefined && latencyElement(firstMs, message.total_ms),
        runId && runElement(runId, links),
    ];
    return found.filter(Boolean).map((fact) => h("span", {}, fact));
}

/** @param {Wire.Message} message */
function tokensElement({ input_tokens: read, output_tokens: written }) {
    return h("span", { title: `${read.toLocaleString("en")} tokens read, ${written.toLocaleString("en")} written` }, `${count(read + written)} tokens`);
}

/**
 * @param {number} firstMs
 * @param {number | null} totalMs
 */
function latencyElement(firstMs, totalMs) {
    const whole = totalMs ? `; all of it after ${duration(totalMs)}` : "";
    return h("span", { title: `First word after ${duration(firstMs)}${whole}` }, `first word ${duration(firstMs)}`);
}

/**
 * @param {Wire.Id} id
 * @param {Wire.Links} links
 */
function runElement(id, links) {
    return links.run ? h("a", { href: links.run.replace("/0/", `/${id}/`) }, `run ${id}`) : `run ${id}`;
}
