// "Needs you": the open questions of runs, above the conversation, the same cards as in it.

import { get } from "../lib/api.js";
import { h, icon } from "../lib/dom.js";
import { Question } from "../thread/approvalCard.js";

const LOOK_MS = 30_000;
const SETTLED_MS = 4000;

export class Needs {
    #cards = new Map();
    #timer = 0;

    constructor(element, runPath) {
        this.element = element;
        this.runPath = runPath;
        this.list = h("div", { class: "needs-list" });
        this.label = h("span");
        this.element.append(h("details", { open: !matchMedia("(max-width: 820px)").matches }, h("summary", {}, icon("hand"), this.label, icon("chevron")), this.list));
        document.addEventListener("visibilitychange", () => this.look());
        this.look();
    }

    async look() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.look(), LOOK_MS);
        if (document.hidden) return;
        const answer = await get("questions?status=open&limit=20").catch(() => null);
        if (answer) this.#show(answer.items.filter((question) => question.run_id));
    }

    #show(open) {
        const ids = new Set(open.map((question) => question.id));
        for (const [id, card] of this.#cards) if (!ids.has(id)) this.#settle(id, card);
        for (const question of open) if (!this.#cards.has(question.id)) this.#place(question);
        this.#count();
    }

    #place(question) {
        const run = this.runPath.replace("/0/", `/${question.run_id}/`);
        const from = this.runPath ? h("a", { class: "from", href: run }, `run ${question.run_id}`) : h("span", { class: "from" }, `run ${question.run_id}`);
        const card = new Question(question, from);
        this.#cards.set(question.id, card);
        this.list.append(card.element);
    }

    // Settled elsewhere: say what became of it for a moment, and go.
    async #settle(id, card) {
        this.#cards.delete(id);
        await card.close();
        setTimeout(() => {
            card.element.remove();
            this.#count();
        }, SETTLED_MS);
    }

    #count() {
        const open = this.#cards.size;
        this.element.hidden = !this.list.childElementCount;
        this.label.textContent = open === 1 ? "A run needs you" : open ? `${open} runs need you` : "Answered";
    }
}
