# The demo, on CPUs:
#   docker build -t fedprop . && docker run --rm -v "$PWD/runs:/home/fedprop/runs" fedprop
FROM python:3.11-slim

RUN useradd --create-home fedprop
WORKDIR /home/fedprop

# First what changes least. The CPU index has torch without the gigabytes that GPUs need.
COPY constraints.txt ./
RUN pip install --no-cache-dir -c constraints.txt --extra-index-url https://download.pytorch.org/whl/cpu torch nox

COPY pyproject.toml README.md LICENSE noxfile.py ./
COPY fedprop fedprop
RUN pip install --no-cache-dir -c constraints.txt .
COPY sims sims

RUN mkdir runs && chown fedprop: . runs
USER fedprop
# The session's commands alone, since all that it would install is here.
CMD ["nox", "--no-venv", "--no-install", "-s", "demo"]
