// Keeps the end of the conversation in sight, as long as one has not scrolled away from it.

const NEAR_PX = 60;

export class Scroller {
    #sticks = true;
    #last = 0;

    constructor(frame, content, jump) {
        this.frame = frame;
        this.jump = jump;
        jump.addEventListener("click", () => {
            this.toEnd(true);
            frame.focus({ preventScroll: true });
        });
        frame.addEventListener("scroll", () => this.#scrolled(), { passive: true });
        const watch = new ResizeObserver(() => this.#resized());
        watch.observe(content);
        watch.observe(frame);
    }

    toEnd(smoothly = false) {
        this.#sticks = true;
        const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
        this.frame.scrollTo({ top: this.frame.scrollHeight, behavior: smoothly && !calm ? "smooth" : "instant" });
        this.jump.hidden = true;
    }

    // Leaves the end for something above it.
    show(element) {
        this.#sticks = false;
        element.scrollIntoView({ block: "center", behavior: "instant" });
        this.#scrolled();
    }

    #scrolled() {
        const { scrollTop, scrollHeight, clientHeight } = this.frame;
        const distance = scrollHeight - scrollTop - clientHeight;
        if (distance < NEAR_PX) this.#sticks = true;
        else if (scrollTop < this.#last) this.#sticks = false;
        this.#last = scrollTop;
        this.jump.hidden = this.#sticks || distance < NEAR_PX;
    }

    #resized() {
        if (this.#sticks) this.frame.scrollTop = this.frame.scrollHeight;
        else this.#scrolled();
    }
}
