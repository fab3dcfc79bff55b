// What a person would see wrong on a page: an array of sentences, empty where all is well.
(() => {
  const wrong = [];
  const width = document.documentElement.clientWidth;
  const told = (element) => `${element.tagName} ${JSON.stringify(element.textContent.trim().slice(0, 40))}`;
  const visible = (element) => element.getClientRects().length > 0;

  // The corners of a drawn text, turned as it is; less what is only room above and below the letters.
  const corners = (text) => {
    const box = text.getBBox(), matrix = text.getScreenCTM(), trim = box.height * 0.2;
    return [[box.x, box.y + trim], [box.x + box.width, box.y + trim],
            [box.x + box.width, box.y + box.height - trim], [box.x, box.y + box.height - trim]]
      .map(([x, y]) => new DOMPoint(x, y).matrixTransform(matrix));
  };
  // Two convex shapes are apart where some side of one has all of the other beyond it.
  const apart = (one, other) => [one, other].some((shape) => shape.some((point, index) => {
    const next = shape[(index + 1) % shape.length], normal = [next.y - point.y, point.x - next.x];
    const range = (points) => points.map(({x, y}) => x * normal[0] + y * normal[1]);
    const [a, b] = [range(one), range(other)], slack = 0.5 * Math.hypot(...normal);
    return Math.max(...a) <= Math.min(...b) + slack || Math.max(...b) <= Math.min(...a) + slack;
  }));

  if (document.documentElement.scrollWidth > width) wrong.push(`the page is ${document.documentElement.scrollWidth} wide`);

  for (const drawing of [...document.querySelectorAll(".drawing")].filter(visible)) {
    const svg = drawing.querySelector("svg"), size = svg.getBoundingClientRect();
    const card = drawing.closest(".card").getBoundingClientRect();
    if (size.width < 200 || size.height < 60) wrong.push(`a drawing of ${size.width} by ${size.height}`);
    // Halos are drawn below the very same texts.
    const texts = [...svg.querySelectorAll("text")].filter((text) => text.textContent.trim() && !text.getAttribute("stroke"));
    if (!texts.length) wrong.push("a drawing without a text");
    const shapes = texts.map(corners);
    texts.forEach((text, index) => {
      const xs = shapes[index].map(({x}) => x);
      if (Math.min(...xs) < card.left || Math.max(...xs) > card.right) wrong.push(`${told(text)} leaves its card`);
      if (parseFloat(getComputedStyle(text).fontSize) * size.width / svg.viewBox.baseVal.width < 9.5) wrong.push(`${told(text)} is too small`);
      for (let other = 0; other < index; other++)
        if (!apart(shapes[index], shapes[other])) wrong.push(`${told(text)} lies on ${told(texts[other])}`);
    });
  }

  for (const element of [...document.querySelectorAll("h1, h2, h3, p, dt, dd, summary, .card, footer")].filter(visible)) {
    const box = element.getBoundingClientRect();
    if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth) wrong.push(`${told(element)} is wider than its place`);
    if (box.left < 0 || box.right > width) wrong.push(`${told(element)} leaves the page`);
  }
  for (const cell of [...document.querySelectorAll("td.number, th.number")])
    if (getComputedStyle(cell).textAlign !== "right") wrong.push(`${told(cell)} does not stand right`);
  return wrong;
})()
