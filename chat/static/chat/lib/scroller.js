// Keeps the end of the conversation in sight, as long as one has not scrolled away from it.

const NEAR_PX = 60;

export class Scroller {
    #follows = true;
    #lastTop = 0;

    /**
     * @param {HTMLElement} frame
     * @param {HTMLElement} content
     * @param {HTMLElement} jump the button that leads back to the end
     */
    constructor(frame, content, jump) {
        this.frame = frame;
        this.jump = jump;
        jump.addEventListener("click", () => {
            this.toEnd(true);
            frame.focus({ preventScroll: true });
        });
        frame.addEventListener("scroll", () => this.#scrolled(), { passive: true });
        const observer = new ResizeObserver(() => this.#resized());
        observer.observe(content);
        observer.observe(frame);
    }

    toEnd(smoothly = false) {
        this.#follows = true;
        const behavior = smoothly && !prefersReducedMotion() ? "smooth" : "instant";
        this.frame.scrollTo({ top: this.frame.scrollHeight, behavior });
        this.jump.hidden = true;
    }

    /** Leaves the end for an element above it. @param {Element} element */
    show(element) {
        this.#follows = false;
        element.scrollIntoView({ block: "center", behavior: "instant" });
        this.#scrolled();
    }

    #scrolled() {
        const { scrollTop, scrollHeight, clientHeight } = this.frame;
        const distance = scrollHeight - scrollTop - clientHeight;
        if (distance < NEAR_PX) this.#follows = true;
        else if (scrollTop < this.#lastTop) this.#follows = false;
        this.#lastTop = scrollTop;
        this.jump.hidden = this.#follows || distance < NEAR_PX;
    }

    #resized() {
        if (this.#follows) this.frame.scrollTop = this.frame.scrollHeight;
        else this.#scrolled();
    }
}

export function prefersReducedMotion() {
    return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
