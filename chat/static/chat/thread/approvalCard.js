// A question of an agent to the person: what it wants to do, and the buttons that let it or not.

import { get, post } from "../lib/api.js";
import { button, find, h, icon } from "../lib/dom.js";
import { bound } from "../lib/limits.js";
import { takeBack, where } from "./standingApprovals.js";
import { plain } from "./toolCall.js";
import { exactTime, until } from "../lib/format.js";

const LONGEST_ANSWER = 20_000;
const SETTLED = {
    allowed: ["check", "Allowed."],
    answered: ["check", "Answered."],
    denied: ["close", "Denied; it was not done."],
    expired: ["clock", "Nobody answered in time; it was not done."],
    withdrawn: ["close", "No longer asked: what asked has ended."],
};

export class Question {
    #told = "";
    #asked;

    constructor(asked, where = "") {
        this.id = asked.question_id ?? asked.id;
        this.element = h("section", { class: "question", "aria-label": "The agent asks", tabindex: "-1" });
        this.#asked = asked;
        this.#draw(where);
        this.show(asked.status ?? "open");
    }

    // What became of it: here, in another tab, or by the clock.
    show(status) {
        if (status === this.#told || (status === "open" && this.#told)) return; // late news: it is settled
        this.#told = status;
        this.element.dataset.state = status;
        if (status === "open") return;
        const [symbol, words] = SETTLED[status] ?? ["check", plain(status)];
        const hadFocus = this.foot.contains(document.activeElement);
        this.foot.replaceChildren(h("p", { class: "settled" }, icon(symbol), words));
        if (hadFocus) this.element.focus({ preventScroll: true }); // the button is gone
    }

    get isOpen() {
        return this.#told === "open";
    }

    // Brings it into sight, and the keyboard to where it is answered.
    lead() {
        const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
        this.element.scrollIntoView({ block: "center", behavior: calm ? "instant" : "smooth" });
        find("button, input", this.foot)?.focus({ preventScroll: true });
    }

    // What asked has ended: asks what became of it, if nobody has told.
    async close() {
        if (!this.isOpen) return;
        const now = await get(`questions/${this.id}`).catch(() => ({ status: "withdrawn" }));
        this.show(now.status);
    }

    #draw(where) {
        const { card = {}, text, tool, kind } = this.#asked;
        const title = card.title || text;
        const isSaid = title === text || (kind !== "question" && card.lines?.length); // its lines say it at length
        this.foot = h("div", { class: "question-foot" });
        this.wrong = h("p", { class: "wrong", role: "alert" });
        this.element.append(
            h("header", {}, icon(tool.includes("schedule") ? "clock" : "hand"), h("h3", {}, title), where),
            text && !isSaid ? h("p", { class: "asks" }, text) : "",
            lines(card.lines ?? []),
            ...(card.warnings ?? []).map((warning) => h("p", { class: "warning" }, icon("warn"), h("span", {}, worded(warning)))),
            this.foot,
            this.wrong,
        );
        this.foot.append(...(kind === "question" ? this.#inWords(card.choices ?? []) : this.#yesOrNo()));
    }

    #yesOrNo() {
        const { always_in: place, tool } = this.#asked;
        const lasts = place && `From now on ${plain(tool)} is called without asking in ${where(place)}, whatever with, until you take that back`;
        return [
            button(place ? "Allow once" : "Allow", () => this.#answer("allow"), { class: "button main" }, "check"),
            place && button("Always allow", () => this.#answer("always"), { title: lasts }),
            button("Deny", () => this.#answer("deny")),
            this.#expiry(),
        ].filter(Boolean);
    }

    // It was allowed for good: says where, and takes it back at once if that was a slip.
    #showAlways() {
        const { always_in: place, tool } = this.#asked;
        const words = h("p", { class: "settled" }, icon("check"), `Allowed, and from now on always in ${where(place)}.`);
        const back = button("Take back", () => this.#attempt(async () => {
            await takeBack(place, tool);
            words.replaceChildren(icon("check"), "Allowed once; it will ask again.");
            back.remove();
            this.element.focus({ preventScroll: true });
        }), { class: "button small" });
        this.foot.replaceChildren(words, back);
        back.focus({ preventScroll: true });
    }

    #inWords(choices) {
        const field = bound(h("input", { type: "text", "aria-label": "Your answer", placeholder: "Your answer" }), LONGEST_ANSWER);
        const send = (event) => {
            event.preventDefault();
            if (field.value.trim()) this.#answer("allow", field.value.trim());
        };
        return [
            choices.length ? h("div", { class: "choices" }, choices.map((choice) => button(worded(choice), () => this.#answer("allow", worded(choice))))) : "",
            h("form", { onsubmit: send }, field, h("button", { class: "button main" }, "Answer")),
            button("Rather not", () => this.#answer("deny")),
            this.#expiry(),
        ];
    }

    #expiry() {
        const { expires_at: at } = this.#asked;
        return at && h("span", { class: "expiry", title: exactTime(at) }, `Denied by itself ${until(at)}`);
    }

    #answer(decision, text) {
        return this.#attempt(async () => {
            const answered = await post(`questions/${this.id}/answer`, text ? { decision, text } : { decision });
            this.show(answered.status);
            if (decision === "always" && answered.status === "allowed") this.#showAlways();
        });
    }

    async #attempt(change) {
        this.wrong.textContent = "";
        this.element.toggleAttribute("data-busy", true);
        try {
            await change();
        } catch (error) {
            this.wrong.textContent = error.message;
            if (error.status === 409) this.show(error.code.replace("question_", ""));
        } finally {
            this.element.toggleAttribute("data-busy", false);
        }
    }
}

function lines(found) {
    if (!found.length) return "";
    const rows = found.map((line) => (typeof line === "string" ? [h("dd", { class: "alone" }, line)] : pair(line)));
    return h("dl", {}, rows);
}

function pair(line) {
    const [label, value] = Array.isArray(line) ? line : [line.label, line.value];
    const values = Array.isArray(value) ? value : label === "Next firings" ? value.split("; ") : [value];
    return [h("dt", {}, label), h("dd", {}, values.map((each) => h("span", {}, worded(each))))];
}

function worded(said) {
    if (typeof said === "string") return said;
    return said?.suggestion ?? said?.message ?? said?.text ?? said?.label ?? JSON.stringify(said);
}

// All questions of one reply, each at its place among the parts.
export class Questions {
    #cards = new Map();

    constructor(parts) {
        this.parts = parts;
    }

    get hasOpen() {
        return [...this.#cards.values()].some((card) => card.isOpen);
    }

    lead() {
        [...this.#cards.values()].find((card) => card.isOpen)?.lead();
    }

    close() {
        for (const card of this.#cards.values()) card.close();
    }

    show(asked) {
        for (const each of asked) {
            const id = each.question_id ?? each.id;
            if (!this.#cards.has(id)) this.#place(id, each);
            this.#cards.get(id).show(each.status ?? "open");
        }
    }

    #place(id, asked) {
        const card = new Question(asked);
        this.#cards.set(id, card);
        this.parts.place(card.element);
    }
}
