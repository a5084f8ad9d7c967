# The chapters in JupyterLab: for Binder and a JupyterHub as it is, for a dev container, or alone:
#   docker build -t convac . && docker run --rm -p 8888:8888 convac
FROM python:3.12-slim-bookworm

# git and Chromium for the tests of the pages, bubblewrap for the grader's sandbox.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap chromium fonts-dejavu-core git make \
 && rm -rf /var/lib/apt/lists/*

# The user that Binder and JupyterHub expect.
ARG NB_USER=jovyan
ARG NB_UID=1000
ENV USER=${NB_USER} HOME=/home/${NB_USER} PIP_NO_CACHE_DIR=1
RUN useradd --create-home --uid "${NB_UID}" --shell /bin/bash "${NB_USER}"

COPY --chown=${NB_UID}:${NB_UID} . ${HOME}/convac
WORKDIR ${HOME}/convac
USER ${NB_UID}

# As on any machine; without a card while it is built, this takes PyTorch's CPU build.
RUN python run.py install \
 && .venv/bin/python -m pip install --quiet -c constraints.txt jupyterhub
ENV PATH=${HOME}/convac/.venv/bin:${PATH}

EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--port=8888", "--no-browser", "book"]
