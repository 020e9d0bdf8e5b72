// An approval that an agent requests: a tool call or a question, with the buttons that answer it.

import { ApiError, get, messageOf, post } from "../lib/api.js";
import { button, h, icon, smallButton } from "../lib/dom.js";
import { exactTime, timeUntil } from "../lib/format.js";
import { limitLength } from "../lib/limits.js";
import { prefersReducedMotion } from "../lib/scroller.js";
import { revokeStandingApproval, scopeName } from "./standingApprovals.js";
import { readableName } from "./toolCall.js";
/** @import { AnswerParts } from "./answerParts.js" */

/** @typedef {Wire.OpenApproval & { id?: Wire.Id, status?: string }} Request as the socket or the API has it */

const MAX_ANSWER_CHARS = 20_000;
/** @type {Record<string, [symbol: string, text: string]>} */
const OUTCOMES = {
    allowed: ["check", "Allowed."],
    answered: ["check", "Answered."],
    denied: ["close", "Declined. The call was not made."],
    expired: ["clock", "Nobody answered in time. The call was not made."],
    withdrawn: ["close", "Withdrawn: the reply or run has ended."],
};

export class ApprovalCard {
    #status = "";
    #request;
    #foot = h("div", { class: "approval-foot" });
    #error = h("p", { class: "error-text", role: "alert" });

    /**
     * @param {Request} request
     * @param {Node | string} [source] where it comes from
     */
    constructor(request, source = "") {
        this.id = idOf(request);
        this.element = h("section", { class: "approval", "aria-label": "Approval request", tabindex: "-1" });
        this.#request = request;
        this.#draw(source);
        this.show(request.status ?? "open");
    }

    /** Shows what became of it: here, in another tab, or by its expiry. @param {string} status */
    show(status) {
        if (status === this.#status || (status === "open" && this.#status)) return; // stale: it has an outcome
        this.#status = status;
        this.element.dataset.state = status;
        if (status === "open") return;
        const [symbol, text] = OUTCOMES[status] ?? ["check", readableName(status)];
        const hadFocus = this.#foot.contains(document.activeElement);
        this.#foot.replaceChildren(h("p", { class: "outcome" }, icon(symbol), text));
        if (hadFocus) this.element.focus({ preventScroll: true }); // the focused button is gone
    }

    get isOpen() {
        return this.#status === "open";
    }

    /** Brings it into sight, with the focus on its first button. */
    focus() {
        this.element.scrollIntoView({ block: "center", behavior: prefersReducedMotion() ? "instant" : "smooth" });
        /** @type {HTMLElement | null} */ (this.#foot.querySelector("button, input"))?.focus({ preventScroll: true });
    }

    /** The run or reply has ended: loads the outcome where no frame brought it. */
    async close() {
        if (!this.isOpen) return;
        const { status } = await get(`approvals/${this.id}`).catch(() => ({ status: "withdrawn" }));
        this.show(status);
    }

    /** @param {Node | string} source */
    #draw(source) {
        const { card, text, tool, kind } = this.#request;
        const title = card.title || text;
        const isRepeated = title === text || (kind !== "question" && card.lines?.length); // the lines say it at length
        this.element.append(
            h("header", {}, icon(tool.includes("schedule") ? "clock" : "hand"), h("h3", {}, title), source),
            text && !isRepeated ? h("p", { class: "approval-text" }, text) : "",
            cardLines(card.lines ?? []),
            ...(card.warnings ?? []).map((warning) => h("p", { class: "warning" }, icon("warn"), h("span", {}, asText(warning)))),
            this.#foot,
            this.#error,
        );
        this.#foot.append(...(kind === "question" ? this.#answerFields(card.choices ?? []) : this.#decisionButtons()));
    }

    #decisionButtons() {
        const { always_in: scope, tool } = this.#request;
        const allow = button(scope ? "Allow once" : "Allow", () => this.#answer("allow"), { class: "button main" }, "check");
        const deny = button("Decline", () => this.#answer("deny"));
        if (!scope) return [allow, deny, this.#expiry()];
        const title = `${readableName(tool)} is called without asking in ${scopeName(scope)}, with any arguments, until you revoke this approval`;
        return [allow, button("Always allow", () => this.#answer("always"), { title }), deny, this.#expiry()];
    }

    // A standing approval was created: says where it holds, with a button that revokes it at once.
    #showStandingApproval() {
        const { always_in: scope, tool } = this.#request;
        if (!scope) return;
        const text = h("p", { class: "outcome" }, icon("check"), `Always allowed in ${scopeName(scope)}.`);
        const revoke = smallButton("Revoke", () => this.#attempt(async () => {
            await revokeStandingApproval(scope, tool);
            text.replaceChildren(icon("check"), "Allowed once. The tool will ask again.");
            revoke.remove();
            this.element.focus({ preventScroll: true });
        }));
        this.#foot.replaceChildren(text, revoke);
        revoke.focus({ preventScroll: true });
    }

    /** @param {Wire.CardText[]} choices */
    #answerFields(choices) {
        const field = limitLength(h("input", { type: "text", "aria-label": "Your answer", placeholder: "Your answer" }), MAX_ANSWER_CHARS);
        /** @param {Event} event */
        const onsubmit = (event) => {
            event.preventDefault();
            if (field.value.trim()) this.#answer("allow", field.value.trim());
        };
        const buttons = choices.map((choice) => button(asText(choice), () => this.#answer("allow", asText(choice))));
        return [
            choices.length ? h("div", { class: "choices" }, buttons) : "",
            h("form", { onsubmit }, field, h("button", { class: "button main" }, "Answer")),
            button("Rather not", () => this.#answer("deny")),
            this.#expiry(),
        ];
    }

    #expiry() {
        const { expires_at: at } = this.#request;
        return at ? h("span", { class: "expiry", title: exactTime(at) }, `Declined automatically ${timeUntil(at)}`) : "";
    }

    /**
     * @param {"allow" | "always" | "deny"} decision
     * @param {string} [text]
     */
    #answer(decision, text) {
        return this.#attempt(async () => {
            const { status } = await post(`approvals/${this.id}/answer`, text ? { decision, text } : { decision });
            this.show(status);
            if (decision === "always" && status === "allowed") this.#showStandingApproval();
        });
    }

    /** @param {() => Promise<void>} change */
    async #attempt(change) {
        this.#error.textContent = "";
        this.element.toggleAttribute("data-busy", true);
        try {
            await change();
        } catch (error) {
            this.#error.textContent = messageOf(error);
            if (error instanceof ApiError && error.status === 409) this.show(error.code.replace("question_", ""));
        } finally {
            this.element.toggleAttribute("data-busy", false);
        }
    }
}

/** All approvals of one reply, each at its place among the parts. */
export class ApprovalCards {
    /** @type {Map<Wire.Id, ApprovalCard>} */
    #cards = new Map();

    /** @param {AnswerParts} parts */
    constructor(parts) {
        this.parts = parts;
    }

    get hasOpen() {
        return this.#open !== undefined;
    }

    get #open() {
        return [...this.#cards.values()].find((card) => card.isOpen);
    }

    focusOpen() {
        this.#open?.focus();
    }

    close() {
        for (const card of this.#cards.values()) card.close();
    }

    /** @param {Request[]} requests */
    show(requests) {
        for (const request of requests) {
            const card = this.#cards.get(idOf(request)) ?? this.#add(request);
            card.show(request.status ?? "open");
        }
    }

    /** @param {Request} request */
    #add(request) {
        const card = new ApprovalCard(request);
        this.#cards.set(card.id, card);
        this.parts.place(card.element);
        return card;
    }
}

/** @param {Request} request */
function idOf(request) {
    return request.approval_id ?? request.id ?? "";
}

/** @param {NonNullable<Wire.ApprovalCard["lines"]>} lines */
function cardLines(lines) {
    if (!lines.length) return "";
    const rows = lines.map((line) => (typeof line === "string" ? [h("dd", { class: "alone" }, line)] : labelledLine(line)));
    return h("dl", {}, rows);
}

/** @param {Exclude<NonNullable<Wire.ApprovalCard["lines"]>[number], string>} line */
function labelledLine(line) {
    const [label, value] = Array.isArray(line) ? line : [line.label, line.value];
    const values = Array.isArray(value) ? value : label === "Next firings" && typeof value === "string" ? value.split("; ") : [value];
    return [h("dt", {}, label), h("dd", {}, values.map((each) => h("span", {}, asText(each))))];
}

/** @param {Wire.CardText} value */
function asText(value) {
    if (typeof value === "string") return value;
    return value?.suggestion ?? value?.message ?? value?.text ?? value?.label ?? JSON.stringify(value);
}
